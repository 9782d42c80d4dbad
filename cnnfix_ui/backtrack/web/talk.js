// Questions to Python and its answers, by events on the window: see relay.js for the other end.
import { ASK } from "./events.js";

const REST = 120; // ms without a move before Python is asked
const UNASKED = 900; // ms after which the first question is asked, should no answer come by itself
let asks = 0; // counts on when the component is mounted again, so that old answers are known as such

// state(): {step, chosen}. answered(answer, overruled): overruled when Python says another step than was asked for.
export function createTalk(playback, state, answered) {
  let timer = 0;
  let last = { ask: 0, step: playback.start.step };
  let sameChosen = true;
  let unasked = true;
  const send = () => {
    timer = 0;
    last = { playback: playback.id, ask: ++asks, ...state(), keep: sameChosen };
    window.cnnfixAsk = last;
    window.dispatchEvent(new CustomEvent(ASK, { detail: last }));
  };
  const hush = () => {
    clearTimeout(timer);
    timer = 0;
  };
  const soon = (wait = REST) => {
    hush();
    unasked = false;
    timer = setTimeout(send, wait);
  };
  timer = setTimeout(send, UNASKED);
  const receive = (answer) => {
    const old = asks > 0 && last.ask > 0 && answer.ask !== last.ask;
    if (answer.playback !== playback.id || old || (timer && !unasked)) return;
    hush();
    sameChosen = true; // only now: a question may be overtaken by the next
    const overruled = answer.step !== last.step;
    last = { ...last, step: answer.step };
    answered(answer, overruled);
  };
  return { soon, hush, receive, chosenChanged: () => { sameChosen = false; } };
}
