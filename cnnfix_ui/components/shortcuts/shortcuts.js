// Keys that press Streamlit buttons. They are left alone where a person types, or where a control has its own use for them.
import { hasModifier } from "../dom.js";

const TYPING = "input, textarea, select, [contenteditable=true]";
const OWN = "[role=application], [role=slider], [role=radio], [role=radiogroup], [role=tab], [role=grid], [role=menu], " +
  "[role=listbox], [role=combobox], [role=dialog], [role=option]";
const PRESSES = [" ", "Enter"];

let listening = null;

export default function ({ data }) {
  if (listening) document.removeEventListener("keydown", listening);
  listening = (event) => press(event, data.keys);
  document.addEventListener("keydown", listening);
  return () => document.removeEventListener("keydown", listening);
}

function press(event, keys) {
  const wanted = keys[event.key];
  if (!wanted || event.defaultPrevented || hasModifier(event) || event.repeat || isTaken(event)) return;
  const button = document.querySelector(`.st-key-${CSS.escape(wanted)} button`);
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
}

// The focus may be inside a component, whose nodes only the event's path shows.
function isTaken(event) {
  const nodes = event.composedPath().filter((node) => node instanceof Element);
  const pressed = PRESSES.includes(event.key) && nodes.some((node) => node.matches("button, a, summary"));
  return pressed || nodes.some((node) => node.matches(TYPING) || node.matches(OWN));
}
