// First, back, play, forward, last; a slider; the speed; and where the playback is, in words.
import { element, icon, pressable } from "../../components/dom.js";
import { isLast } from "./playback.js";

const SPEEDS = [["Slow", 0.5], ["Normal", 1], ["Fast", 2]];
const PLAY = "M7 4.5v15L19.5 12z";
const PAUSE = "M7 5h3.5v14H7zM13.5 5H17v14h-3.5z";

// In words, then what the network's code calls it.
export const stepName = ({ title, module }) => [title, module].filter(Boolean).join(", ");

export function createTransport(playback, act, speed) {
  const control = (label, path, press) => {
    const node = pressable("control", label, icon(path));
    node.title = label;
    node.onclick = press;
    return node;
  };
  const first = control("To the score", "M5 5h2.5v14H5zM19.5 5v14L9 12z", act.first);
  const back = control("One step back, towards the score", "M16 5v14L5.5 12z", act.back);
  const play = control("Play", PLAY, act.playOrPause);
  play.classList.add("play");
  const forward = control("One step forward, towards the picture", "M8 5v14L18.5 12z", act.forward);
  const last = control("To the picture", "M16.5 5H19v14h-2.5zM4.5 5v14L15 12z", act.last);
  const buttons = element("div", "controls", first, back, play, forward, last);
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-label", "Playback");

  const slider = element("input", "slider");
  slider.type = "range";
  slider.min = 0;
  slider.step = 1;
  slider.setAttribute("aria-label", "Step");
  slider.oninput = () => act.jump(Number(slider.value));
  const counter = element("span", "counter");
  counter.setAttribute("aria-hidden", "true"); // the slider says it

  const toggle = pressable("quiet", "");
  toggle.onclick = act.toggleHere;
  const again = pressable("quiet", "", "Play again");
  again.onclick = act.playOrPause;
  const compare = pressable("quiet strong", "", "Now compare");
  compare.title = "How other methods explain the same answer";
  compare.onclick = act.compare;
  const pace = speeds(act, speed);
  const node = element("div", "transport", slider,
    element("div", "row", buttons, counter, toggle, again, compare, pace),
    element("p", "keys", "Space plays, ← and → step, O opens a block."));

  const update = (view) => {
    const at = view.visible.indexOf(view.step);
    slider.max = view.visible.length - 1;
    slider.value = at;
    const step = playback.steps[view.step];
    slider.setAttribute("aria-valuetext", `step ${at + 1} of ${view.visible.length}: ${stepName(step)}`);
    counter.textContent = `${at + 1} / ${view.visible.length}`;
    for (const [button, off] of [[first, at === 0], [back, at === 0],
      [forward, at === view.visible.length - 1], [last, at === view.visible.length - 1]]) {
      button.setAttribute("aria-disabled", String(off)); // stays focusable: the keyboard does not lose its place
    }
    play.querySelector("path").setAttribute("d", view.playing ? PAUSE : PLAY);
    play.setAttribute("aria-label", view.playing ? "Pause" : "Play");
    play.title = view.playing ? "Pause" : "Play";
    const number = view.blockOf(view.step);
    const block = playback.blocks[number];
    toggle.disabled = block.first === block.last;
    const ended = isLast(playback, view) && !view.playing;
    toggle.hidden = pace.hidden = ended;
    again.hidden = compare.hidden = !ended;
    const name = block.title.toLowerCase();
    toggle.textContent = view.open.has(number) ? `Close ${name}` : `Open ${name}`;
    toggle.style.visibility = toggle.disabled ? "hidden" : "";
  };
  return { node, update };
}

function speeds(act, speed) {
  const group = element("fieldset", "speeds", element("legend", "", "Speed"));
  for (const [label, value] of SPEEDS) {
    const radio = element("input", "");
    radio.type = "radio";
    radio.name = "speed";
    radio.checked = value === speed;
    radio.onchange = () => act.speed(value);
    group.append(element("label", "", radio, element("span", "", label)));
  }
  return group;
}
