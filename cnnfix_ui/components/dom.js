// Making elements, and reading what a person does to them. Texts enter the page as text only, never as markup.
import { clamp } from "./numbers.js";

const SVG = "http://www.w3.org/2000/svg";

// Show what is at an address, or nothing; what is shown already stays as it is. It resolves when the image is ready.
export function showAt(image, address) {
  if ((image.getAttribute("src") ?? "") === address) return Promise.resolve();
  if (!address) {
    image.removeAttribute("src");
    return Promise.resolve();
  }
  image.src = address;
  return image.decode().catch(() => {}); // another address may have come meanwhile
}

// Which way each arrow key goes: across and down.
export const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export function element(name, className, ...children) {
  const node = document.createElement(name);
  node.className = className;
  node.append(...children);
  return node;
}

export function pressable(className, label, ...children) {
  const node = element("button", className, ...children);
  node.type = "button";
  if (label) node.setAttribute("aria-label", label);
  return node;
}

export function svgElement(name, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function icon(path, className = "icon", side = 24) {
  const shape = svgElement("path", { d: path });
  return svgElement("svg", { class: className, viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" }, shape);
}

// Where a pointer is on a node, in parts of its width and height.
export function placeOn(node, event) {
  const box = node.getBoundingClientRect();
  return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
}

export const hasModifier = (event) => event.ctrlKey || event.metaKey || event.altKey;

const TYPING = "input, textarea, select, [contenteditable=true]";
const OWN_KEYS = "[role=application], [role=slider], [role=radio], [role=radiogroup], [role=tab], [role=grid], [role=menu], "
  + "[role=listbox], [role=combobox], [role=dialog], [role=option]";
const PRESSES = [" ", "Enter"];

// Whether somebody types, or what has the focus uses the key itself; the event's path also shows nodes in components.
export function hasOwnUse(event) {
  const nodes = event.composedPath().filter((node) => node instanceof Element);
  const pressed = PRESSES.includes(event.key) && nodes.some((node) => node.matches("button, a, summary"));
  return pressed || nodes.some((node) => node.matches(TYPING) || node.matches(OWN_KEYS));
}

// Which of these buttons in a row a key leads to, around both ends; null where it leads nowhere.
export function buttonByKey(event, buttons) {
  const here = buttons.indexOf(event.target);
  const to = {
    ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1,
  }[event.key];
  if (here < 0 || to === undefined || hasModifier(event)) return null;
  return buttons[(to + buttons.length) % buttons.length];
}

export const prefersStill = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
