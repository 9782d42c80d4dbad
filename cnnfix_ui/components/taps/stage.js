// A picture on which places are tapped or one box is drawn, with layers over it.
// root: holds what is marked (points or box, in pixels of the picture) and its data: photo, width, height, label, points,
// box, limit, boxes, and whether it can be marked now (marking).
import { ARROWS, element, hasModifier, placeOn } from "../dom.js";
import { clamp } from "../numbers.js";

const STEP = 0.02; // of the cursor that keys move
const REACH = 22; // CSS pixels around a place, within which a tap takes it away

// Add the stage to `root`; root.drawn is called after each change of what is marked.
export function addStage(root, drawn) {
  root.drawn = drawn;
  root.photo = element("img", "photo");
  root.photo.alt = ""; // the stage says it
  root.layers = element("div", "layers");
  root.marks = element("div", "marks");
  root.stage = element("div", "stage", root.photo, root.layers, root.marks);
  root.stage.onpointerdown = (event) => press(root, event);
  root.stage.onpointermove = (event) => drag(root, event);
  root.stage.onpointerup = (event) => release(root, event);
  root.stage.onpointercancel = () => cancel(root);
  root.stage.onkeydown = (event) => keys(root, event);
  root.stage.onfocus = () => { if (root.stage.matches(":focus-visible")) root.cursor = [0.5, 0.5]; draw(root); };
  root.stage.onblur = () => { root.cursor = null; draw(root); };
}

export function begin(root, data) {
  root.points = data.points.map(([x, y]) => [x, y]);
  root.box = data.box && [...data.box];
  root.corner = root.cursor = null;
  root.boxing = Boolean(data.box) || !data.limit;
}

export function describe(stage, { label, marking }) {
  stage.tabIndex = marking ? 0 : -1;
  stage.setAttribute("role", marking ? "application" : "img");
  stage.setAttribute("aria-label", marking
    ? `${label} Arrow keys move the cursor, Enter marks the place under it, Backspace takes the last mark away.`
    : label);
}

export function undo(root) {
  root.full = false;
  if (root.box || root.corner) root.box = root.corner = null;
  else root.points.pop();
  draw(root);
}

export function draw(root) {
  const { width, height } = root.data;
  const marks = root.points.map(([x, y], number) =>
    put(element("span", "place", String(number + 1)), (x + 0.5) / width, (y + 0.5) / height));
  if (root.box) {
    const [x0, y0, x1, y1] = root.box;
    const node = put(element("span", "box"), x0 / width, y0 / height);
    node.style.width = `${(100 * (x1 + 1 - x0)) / width}%`;
    node.style.height = `${(100 * (y1 + 1 - y0)) / height}%`;
    marks.push(node);
  }
  if (root.cursor) marks.push(put(element("span", "cursor"), ...root.cursor));
  root.marks.replaceChildren(...marks);
  root.stage.classList.toggle("boxing", root.boxing && root.data.marking);
  root.drawn();
}

// Places are whole pixels of the picture.
function pixelAt(root, [x, y]) {
  const { width, height } = root.data;
  return [Math.min(width - 1, Math.floor(x * width)), Math.min(height - 1, Math.floor(y * height))];
}

function press(root, event) {
  if (!root.data.marking || event.button !== 0) return;
  root.cursor = null;
  root.pressed = placeOn(root.stage, event);
  if (!root.boxing) return;
  root.stage.setPointerCapture(event.pointerId);
  root.corner = pixelAt(root, root.pressed);
  root.box = null;
  draw(root);
}

function drag(root, event) {
  if (!root.boxing || !root.corner || !root.pressed) return;
  root.box = between(root.corner, pixelAt(root, placeOn(root.stage, event)));
  draw(root);
}

function release(root, event) {
  if (!root.pressed) return;
  root.pressed = null;
  if (!root.boxing) toggle(root, placeOn(root.stage, event));
  root.corner = null;
  draw(root);
}

function cancel(root) { // the finger scrolls the page
  root.pressed = root.corner = null;
  draw(root);
}

function toggle(root, place) {
  const { width, height, limit } = root.data;
  const { clientWidth, clientHeight } = root.stage;
  const far = ([x, y]) => Math.hypot(
    ((x + 0.5) / width - place[0]) * clientWidth, ((y + 0.5) / height - place[1]) * clientHeight,
  );
  const near = root.points.findIndex((point) => far(point) < REACH);
  root.full = false;
  if (near >= 0) root.points.splice(near, 1);
  else if (limit === 1) root.points = [pixelAt(root, place)];
  else if (root.points.length < limit) root.points.push(pixelAt(root, place));
  else root.full = true;
}

function keys(root, event) {
  if (!root.data.marking || hasModifier(event)) return;
  const at = root.cursor ?? [0.5, 0.5];
  if (event.key in ARROWS) {
    const far = STEP * (event.shiftKey ? 4 : 1);
    root.cursor = at.map((from, side) => clamp(from + far * ARROWS[event.key][side]));
    if (root.corner) root.box = between(root.corner, pixelAt(root, root.cursor));
  } else if (event.key === "Enter" || event.key === " ") mark(root, at);
  else if (event.key === "Backspace" || event.key === "Delete") undo(root);
  else if (event.key === "Escape") root.corner = root.box = root.cursor = null;
  else return;
  event.preventDefault();
  event.stopPropagation();
  draw(root);
}

function mark(root, at) {
  root.cursor = at;
  if (!root.boxing) toggle(root, at);
  else if (root.corner) root.corner = null;
  else {
    root.corner = pixelAt(root, at);
    root.box = between(root.corner, root.corner);
  }
}

function put(node, x, y) {
  node.style.left = `${100 * x}%`;
  node.style.top = `${100 * y}%`;
  return node;
}

const between = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
