// Small things that several components use. Texts enter the page as text only, never as markup.
const SVG = "http://www.w3.org/2000/svg";

const clamp = (value, low = 0, high = 1) => Math.min(high, Math.max(low, value));
const mix = (from, to, t) => from + (to - from) * t;

function element(name, className, ...children) {
  const node = document.createElement(name);
  node.className = className;
  node.append(...children);
  return node;
}

function pressable(className, label, ...children) {
  const node = element("button", className, ...children);
  node.type = "button";
  if (label) node.setAttribute("aria-label", label);
  return node;
}

function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  const shape = document.createElementNS(SVG, "path");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

// Two digits are enough to compare by, as in "3.1 %" and "0.31 %".
function percent(share) {
  const value = 100 * share;
  if (value >= 9.95) return `${Math.round(value)} %`;
  if (value > 0 && value < 0.01) return "< 0.01 %";
  return `${Number(value.toPrecision(2))} %`;
}

const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

const stillPlease = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
