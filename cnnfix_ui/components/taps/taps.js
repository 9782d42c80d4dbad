// A picture to mark: places that are tapped, or one box, and a button that sends them. Without a button it only shows them.
import { ARROWS, element, hasModifier, placeOn, pressable } from "../dom.js";
import { clamp } from "../numbers.js";

const STEP = 0.02; // of the cursor that keys move
const REACH = 22; // CSS pixels around a place, within which a tap takes it away

// Runs again whenever Python sends other data. Texts enter the page as text only, never as markup.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".taps");
  if (!root.stage) build(root);
  const given = JSON.stringify([data.photo, data.points, data.box, data.button]);
  if (root.given !== given) begin(root, data);
  root.given = given;
  root.data = data;
  root.send = () => setTriggerValue("sent", { points: root.points, box: root.box });
  root.style.setProperty("--ratio", data.width / data.height);
  if (root.photo.src !== data.photo) root.photo.src = data.photo;
  describe(root.stage, data);
  drawOverlays(root, data.overlays);
  root.tools.hidden = !(data.button && data.boxes && data.limit);
  root.foot.hidden = !data.button;
  root.button.textContent = data.button;
  draw(root);
}

function begin(root, data) {
  root.points = data.points.map(([x, y]) => [x, y]);
  root.box = data.box && [...data.box];
  root.corner = root.cursor = null;
  root.boxing = Boolean(data.box) || !data.limit;
}

function describe(stage, { label, button }) {
  stage.tabIndex = button ? 0 : -1;
  stage.setAttribute("role", button ? "application" : "img");
  stage.setAttribute("aria-label", button
    ? `${label} Arrow keys move the cursor, Enter marks the place under it, Backspace takes the last mark away.`
    : label);
}

function build(root) {
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
  root.choice = element("div", "row choice");
  root.tools = element("div", "row tools", tool(root, "Places", false), tool(root, "One box", true));
  root.status = element("p", "status");
  root.status.setAttribute("aria-live", "polite");
  root.button = pressable("send", "");
  root.button.onclick = () => root.send();
  root.undo = pressable("plain", "", "Undo");
  root.undo.onclick = () => undo(root);
  root.foot = element("div", "row foot", root.button, root.undo, root.status);
  root.replaceChildren(root.tools, root.stage, root.choice, root.foot);
}

function tool(root, words, boxing) {
  const node = pressable("plain", "", words);
  node.boxing = boxing;
  node.onclick = () => {
    root.boxing = boxing;
    [root.points, root.box, root.corner] = [[], null, null];
    draw(root);
  };
  return node;
}

function drawOverlays(root, overlays) {
  const content = JSON.stringify(overlays);
  if (root.overlays === content) return; // else the one that a person chose stays
  root.overlays = content;
  root.layers.replaceChildren(...overlays.map(({ image }) => {
    const node = element("img", "");
    node.src = image;
    node.alt = ""; // the stage says it
    return node;
  }));
  root.choice.hidden = overlays.length < 2;
  root.choice.replaceChildren(...overlays.map(({ name }, number) => {
    const node = pressable("plain", "", name);
    node.onclick = () => show(root, number);
    return node;
  }));
  show(root, 0);
}

function show(root, number) {
  [...root.layers.children].forEach((image, n) => { image.hidden = n !== number; });
  [...root.choice.children].forEach((node, n) => node.setAttribute("aria-pressed", n === number));
}

// Places are whole pixels of the picture.
function pixelAt(root, [x, y]) {
  const { width, height } = root.data;
  return [Math.min(width - 1, Math.floor(x * width)), Math.min(height - 1, Math.floor(y * height))];
}

function press(root, event) {
  if (!root.data.button || event.button !== 0) return;
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

function undo(root) {
  root.full = false;
  if (root.box || root.corner) root.box = root.corner = null;
  else root.points.pop();
  draw(root);
}

function keys(root, event) {
  if (!root.data.button || hasModifier(event)) return;
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

const between = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];

function draw(root) {
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
  root.stage.classList.toggle("boxing", root.boxing && Boolean(root.data.button));
  for (const node of root.tools.children) node.setAttribute("aria-pressed", node.boxing === root.boxing);
  root.button.disabled = !root.points.length && !root.box;
  root.undo.disabled = root.button.disabled;
  const words = status(root);
  if (root.status.textContent !== words) root.status.textContent = words;
}

function put(node, x, y) {
  node.style.left = `${100 * x}%`;
  node.style.top = `${100 * y}%`;
  return node;
}

function status({ data, points, box, boxing, full, cursor }) {
  const here = cursor ? ` Cursor ${Math.round(100 * cursor[0])} % from the left, ${Math.round(100 * cursor[1])} % down.` : "";
  if (boxing) return (box ? `Box of ${box[2] + 1 - box[0]} × ${box[3] + 1 - box[1]} pixels.` : "Drag a box.") + here;
  if (full) return `All ${data.limit} are placed: tap one to take it away.${here}`;
  return `${points.length} of ${data.limit} ${data.limit === 1 ? "place" : "places"}.${here}`;
}
