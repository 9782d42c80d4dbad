// A card for a first visit. That it was seen is remembered in this browser alone.
import { element, pressable } from "../../components/dom.js";
import { isRemembered, remember } from "../../components/remembered.js";

const SEEN = "cnnfix.welcome";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".welcome");
  const around = root.getRootNode().host?.closest('[data-testid="stElementContainer"]');
  const show = (shown) => {
    root.hidden = !shown;
    if (around) around.style.display = shown ? "" : "none";
  };
  const done = () => { remember(SEEN); show(false); };
  const go = pressable("go", "", data.button);
  const close = pressable("close", data.close, "×");
  go.onclick = () => { done(); setTriggerValue("gone", true); };
  close.onclick = done;
  root.replaceChildren(element("span", "words", data.words), go, close);
  show(!isRemembered(SEEN));
}
