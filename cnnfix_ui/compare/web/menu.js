// One menu for all buttons that open one, in the browser's top layer, so that nothing cuts it off.
import { element, hasModifier, pressable } from "../../components/dom.js";
import { clamp } from "../../components/numbers.js";
import { rove } from "./roving.js";

const GAP = 4;
const MANY = 12; // entries: from here on a field finds one by its words

export function createMenu(root) {
  const node = element("div", "menu");
  node.popover = "auto";
  const field = element("input", "find");
  field.type = "search";
  field.placeholder = "Find";
  const list = element("div", "list");
  list.setAttribute("role", "menu");
  const none = element("div", "none", "Nothing fits.");
  none.setAttribute("role", "status");
  node.append(field, list, none);
  root.append(node);
  let opener = null;
  let openAtPress = null;
  const items = () => [...list.querySelectorAll(".item:not([hidden])")];
  const roving = rove(list, items, ["ArrowDown", "ArrowUp"]);

  const close = () => node.hidePopover();
  const place = () => {
    const at = opener.getBoundingClientRect();
    const { innerWidth: width, innerHeight: height } = window;
    const below = height - at.bottom;
    const up = below < 240 && at.top > below;
    node.style.maxHeight = `${Math.max(160, (up ? at.top : below) - 3 * GAP)}px`;
    node.style.left = `${clamp(at.left, GAP, Math.max(GAP, width - node.offsetWidth - GAP))}px`;
    node.style.top = up ? `${Math.max(GAP, at.top - node.offsetHeight - GAP)}px` : `${at.bottom + GAP}px`;
  };
  const find = () => {
    const wanted = field.value.toLowerCase().split(/\s+/);
    for (const item of list.querySelectorAll(".item")) {
      item.hidden = !wanted.every((word) => item.dataset.words.includes(word));
    }
    for (const section of list.children) section.hidden = !section.querySelector(".item:not([hidden])");
    none.hidden = items().length > 0;
    roving.settle();
  };
  const open = (button, label, sections) => {
    opener = button;
    list.setAttribute("aria-label", label);
    field.setAttribute("aria-label", `Find in: ${label}`);
    const filled = sections.filter(({ entries }) => entries.length);
    list.replaceChildren(...filled.map((section) => drawSection(section, close)));
    field.hidden = items().length < MANY;
    field.value = "";
    find();
    node.showPopover();
    place();
    roving.go(list.querySelector('[aria-checked="true"]') ?? items()[0]);
  };
  node.addEventListener("toggle", ({ newState }) => {
    opener?.setAttribute("aria-expanded", String(newState === "open"));
    const focused = root.getRootNode().activeElement;
    if (newState === "closed" && (!focused || node.contains(focused))) opener?.focus({ preventScroll: true });
  });
  field.addEventListener("input", find);
  field.addEventListener("keydown", (event) => {
    const [first] = items();
    if (event.key === "Enter") first?.click();
    if (event.key !== "ArrowDown" || !first) return;
    event.preventDefault();
    roving.go(first);
  });
  list.addEventListener("keydown", (event) => {
    if (event.key.length !== 1 || hasModifier(event) || event.key === " ") return;
    if (!field.hidden) {
      field.focus(); // the letter lands there
      return;
    }
    const all = items();
    const here = all.indexOf(event.target) + 1;
    const named = (item) => item.textContent.toLowerCase().startsWith(event.key.toLowerCase());
    const found = [...all.slice(here), ...all.slice(0, here)].find(named);
    if (found) roving.go(found);
  });
  node.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && (field.hidden || (event.target === field) === event.shiftKey)) close();
    event.stopPropagation();
  });
  const leave = (event) => { if (node.matches(":popover-open") && !event.composedPath().includes(node)) close(); };
  window.addEventListener("scroll", leave, { capture: true, passive: true });
  window.addEventListener("resize", leave);
  return {
    // sections(): [{heading, entries: [{label, detail, words, checked, reason, act}]}], asked for when it opens.
    on: (button, label, sections) => {
      button.setAttribute("aria-haspopup", "menu");
      button.setAttribute("aria-expanded", "false");
      button.onpointerdown = () => { openAtPress = node.matches(":popover-open") ? opener : null; };
      button.onclick = () => {
        if (openAtPress !== button) open(button, label(), sections()); // else the press has just closed it
        openAtPress = null;
      };
    },
    stop: () => {
      window.removeEventListener("scroll", leave, { capture: true });
      window.removeEventListener("resize", leave);
    },
  };
}

function drawSection({ heading, entries }, close) {
  const section = element("div", "section", ...entries.map((entry) => drawItem(entry, heading, close)));
  section.setAttribute("role", "group");
  if (heading) {
    section.setAttribute("aria-label", heading);
    const title = element("div", "heading", heading);
    title.setAttribute("aria-hidden", "true"); // the group says it
    section.prepend(title);
  }
  return section;
}

function drawItem({ label, detail = "", words = "", checked = null, reason = "", act }, heading, close) {
  const item = pressable("item", "", element("span", "label", label));
  item.setAttribute("role", checked === null ? "menuitem" : "menuitemradio");
  item.dataset.words = [heading, label, detail, words].join(" ").toLowerCase();
  if (checked !== null) item.setAttribute("aria-checked", String(checked));
  if (detail) item.append(element("span", "detail", detail));
  if (reason) {
    item.setAttribute("aria-disabled", "true");
    item.title = reason;
    item.append(element("span", "reason", reason));
  }
  item.onclick = () => {
    if (reason) return;
    close();
    if (!checked) act();
  };
  return item;
}
