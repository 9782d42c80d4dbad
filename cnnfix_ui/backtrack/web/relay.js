// Invisible, in a fragment: passes the playback's questions to Python and Python's answers to the playback.
import { ANSWER, ASK } from "./events.js";

let passedOn = 0;
let replaced = new AbortController();

// Runs again whenever Python sends another answer.
export default function ({ data, setTriggerValue }) {
  replaced.abort();
  replaced = new AbortController();
  const pass = (ask) => {
    passedOn = ask.ask;
    setTriggerValue("asked", ask);
  };
  window.addEventListener(ASK, (event) => pass(event.detail), { signal: replaced.signal });
  if (data.answer) {
    window.cnnfixAnswer = data.answer;
    window.dispatchEvent(new CustomEvent(ANSWER, { detail: data.answer }));
  }
  if (window.cnnfixAsk?.ask > passedOn) pass(window.cnnfixAsk); // asked before anybody listened
  const mine = replaced;
  return () => mine.abort();
}
