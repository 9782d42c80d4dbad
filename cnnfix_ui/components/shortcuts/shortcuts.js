// Keys that press Streamlit buttons. They are left alone where a person types, or where a control has its own use for them.
import { hasModifier, hasOwnUse } from "../dom.js";

let listening = null;

export default function ({ data }) {
  if (listening) document.removeEventListener("keydown", listening);
  listening = (event) => press(event, data.keys);
  document.addEventListener("keydown", listening);
  return () => document.removeEventListener("keydown", listening);
}

function press(event, keys) {
  const wanted = keys[event.key];
  if (!wanted || event.defaultPrevented || hasModifier(event) || event.repeat || hasOwnUse(event)) return;
  const button = document.querySelector(`.st-key-${CSS.escape(wanted)} button`);
  if (!button || button.disabled) return;
  event.preventDefault();
  button.click();
}
