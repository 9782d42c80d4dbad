// What lies over a cell whose map is not there: why, how far it is, and what can be done about it.
import { element, pressable } from "../../components/dom.js";
import { clamp } from "../../components/numbers.js";
import { STATES } from "./words.js";

export function createCurtain() {
  const words = element("p", "words");
  const bar = element("span", "progress", element("span", ""));
  const stop = pressable("small", "", "Stop");
  const again = pressable("small", "", "Resume");
  const node = element("div", "curtain", words, bar, stop, again);
  return {
    node,
    stop,
    again,
    show: ({ state, progress, message, title, subtitle }) => {
      node.hidden = state === "done";
      const text = { running: `${Math.round(100 * progress)} %`, failed: message || "Failed", unfit: message }[state];
      words.textContent = text ?? STATES[state];
      bar.hidden = state !== "running";
      bar.firstChild.style.width = `${100 * clamp(progress)}%`;
      stop.hidden = state !== "running";
      again.hidden = state !== "stopped";
      stop.setAttribute("aria-label", `Stop ${title}, ${subtitle}`);
      again.setAttribute("aria-label", `Resume ${title}, ${subtitle}`);
    },
  };
}
