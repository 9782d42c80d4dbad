import { buttonByKey, element, icon, pressable } from "../dom.js";

const TICK = "M2.5 8.5l3.5 3.5 7.5-8";

// Runs again whenever Python sends other data. Texts enter the page as text only, never as markup.
export default function ({ data, parentElement, setTriggerValue }) {
  const group = parentElement.querySelector(".group");
  const buttons = () => [...group.children];
  const makeEntry = (entry) => { // the one that Tab reaches
    for (const button of buttons()) button.tabIndex = button === entry ? 0 : -1;
  };
  const mark = (value) => {
    const checked = buttons().find((button) => button.value === value);
    for (const button of buttons()) button.setAttribute("aria-checked", String(button === checked));
    makeEntry(checked ?? buttons()[0]);
  };

  group.className = `group ${data.look === "sheet" ? "tiles sheet" : data.look}`;
  group.setAttribute("aria-label", data.label);
  const content = JSON.stringify([data.look, data.items]);
  if (group.content !== content) { // else the pictures, the focus and the scroll position stay as they are
    const focused = group.getRootNode().activeElement?.value;
    group.replaceChildren(...data.items.map((item) => draw(item, data.look)));
    group.content = content;
    buttons().find((button) => button.value === focused)?.focus({ preventScroll: true });
  }
  // What was picked last, until Python has heard of it: then its answer confirms or corrects that.
  const { picked } = group;
  mark(picked && picked.id > data.answered ? picked.value : data.selected);
  reveal(group, group.querySelector('[aria-checked="true"]'));

  group.onclick = (event) => {
    const button = event.target.closest(".choice");
    if (!button || button.ariaChecked === "true") return;
    group.picked = { id: Math.max(Date.now(), (group.picked?.id ?? 0) + 1), value: button.value };
    mark(button.value);
    setTriggerValue("chosen", group.picked);
  };
  group.onkeydown = (event) => {
    const next = buttonByKey(event, buttons());
    if (!next) return;
    event.preventDefault();
    makeEntry(next);
    next.focus();
  };
}

function draw(item, look) {
  const button = pressable("choice", "");
  button.value = item.value;
  button.title = item.title;
  button.setAttribute("role", "radio");
  if (look === "tiles" || look === "sheet") {
    const picture = element("img", "");
    picture.src = item.image;
    picture.alt = ""; // the label says it
    button.append(picture, icon(TICK, "tick", 16), element("span", "label", item.label));
  } else if (look === "words") {
    button.style.setProperty("--share", item.share);
    button.append(element("span", "label", item.label), element("span", "bar", ""), element("span", "detail", item.detail));
  } else {
    button.style.setProperty("--share", item.share);
    button.append(icon(TICK, "tick", 16), element("span", "label", item.label), element("span", "detail", item.detail));
  }
  return button;
}

// Scrolls the strip only, never the page.
function reveal(strip, button) {
  if (!button) return;
  const margin = 48;
  const start = button.offsetLeft - strip.offsetLeft - margin;
  const end = start + button.offsetWidth + 2 * margin;
  if (start < strip.scrollLeft) strip.scrollLeft = start;
  else if (end > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = end - strip.clientWidth;
}
