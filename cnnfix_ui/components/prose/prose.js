// A text whose terms open in place. Texts enter the page as text only, never as markup.
import { element, pressable } from "../dom.js";

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".prose");
  const given = JSON.stringify(data);
  if (root.given === given) return;
  root.given = given;
  root.className = `prose ${data.size}`;
  root.about = element("aside", "about");
  root.about.hidden = true;
  root.onkeydown = (event) => { if (event.key === "Escape" && !root.about.hidden) close(root); };
  root.replaceChildren(...blocks(root, data, data.paragraphs), root.about);
}

// Paragraphs, and lists of those that have a mark.
function blocks(root, data, paragraphs) {
  const nodes = [];
  for (const { mark, spans } of paragraphs) {
    const inside = spans.map((span) => inline(root, data, span));
    if (!mark) { nodes.push(element("p", "", ...inside)); continue; }
    const name = mark === "•" ? "UL" : "OL";
    if (nodes.at(-1)?.nodeName !== name) nodes.push(element(name, ""));
    nodes.at(-1).append(element("li", "", ...inside));
  }
  return nodes;
}

function inline(root, data, { text, bold, italic, code, link }) {
  let node = document.createTextNode(text);
  if (code) node = element("code", "", node);
  if (italic) node = element("em", "", node);
  if (bold) node = element("strong", "", node);
  if (link.startsWith("#")) return data.terms[link.slice(1)] ? term(root, data, link.slice(1), node) : node;
  return link ? outside(link, node) : node;
}

function outside(link, node) {
  const anchor = element("a", "", node);
  anchor.href = link;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

function term(root, data, name, node) {
  const button = pressable("term", "", node);
  button.dataset.term = name;
  button.setAttribute("aria-expanded", "false");
  button.onclick = () => (root.open === button ? close(root) : open(root, data, button));
  return button;
}

function open(root, data, button) {
  const inside = root.about.contains(button);
  const from = inside ? root.open : button;
  if (!inside) root.open?.setAttribute("aria-expanded", "false");
  root.open = from;
  from.setAttribute("aria-expanded", "true");
  const { title, paragraphs } = data.terms[button.dataset.term];
  const shut = pressable("shut", "Close", "×");
  shut.onclick = () => close(root);
  root.about.replaceChildren(shut, element("strong", "title", title), ...blocks(root, data, paragraphs));
  root.about.setAttribute("aria-label", title);
  root.about.hidden = false;
  if (inside) shut.focus();
}

function close(root) {
  root.about.hidden = true;
  root.open?.setAttribute("aria-expanded", "false");
  root.open?.focus();
  root.open = null;
}
