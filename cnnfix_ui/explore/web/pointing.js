// A picture to point at: at a pixel, of which is shown what the network calls it, or at a box around a thing.
import { ARROWS, element, hasModifier, placeOn, pressable, showAt } from "../../components/dom.js";
import { percent } from "../../components/format.js";
import { clamp } from "../../components/numbers.js";

const STEP = 0.02; // of the mark that keys move

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pointing");
  if (!root.stage) build(root);
  const whole = { width: data.width, height: data.height };
  root.stage.style.aspectRatio = `${data.width} / ${data.height}`;
  showAt(root.photo, data.photo);
  root.layer.hidden = !data.layer;
  if (data.layer) root.layer.src = data.layer;
  root.boxes.replaceChildren(...data.boxes.map((box, number) => boxed(box, number, whole, setTriggerValue)));
  root.pixels = data.classes && { ...data, whole, pick: (x, y) => setTriggerValue("picked", { x, y }) };
  root.stage.tabIndex = root.pixels ? 0 : -1;
  if (root.pixels) {
    root.stage.setAttribute("role", "application");
    root.stage.setAttribute("aria-label", data.label);
  } else root.stage.removeAttribute("role");
  root.mark = null;
  chosen(root, data.chosen);
  root.legend.replaceChildren(...data.legend.map(({ name, colour, share }) => {
    const chip = element("span", "chip");
    chip.style.background = colour;
    return element("span", "entry", chip, `${name} ${percent(share)}`);
  }));
}

function build(root) {
  root.photo = element("img", "");
  root.layer = element("img", "");
  root.photo.alt = root.layer.alt = "";
  root.boxes = element("div", "boxes");
  root.spot = element("div", "spot");
  root.cursor = element("div", "spot cursor");
  root.stage = element("div", "stage", root.photo, root.layer, root.boxes, root.spot, root.cursor);
  root.read = element("p", "read");
  root.read.setAttribute("aria-live", "polite");
  root.legend = element("p", "legend");
  root.replaceChildren(root.stage, root.read, root.legend);
  const place = (event) => placeOn(root.stage, event);
  root.stage.onpointermove = (event) => move(root, root.pixels && place(event));
  root.stage.onpointerleave = () => move(root, null);
  root.stage.onclick = (event) => root.pixels && pick(root, place(event));
  root.stage.onblur = () => move(root, null);
  root.stage.onkeydown = (event) => keys(root, event);
}

function keys(root, event) {
  if (!root.pixels || hasModifier(event)) return;
  const from = root.mark ?? root.start ?? [0.5, 0.5];
  if (event.key in ARROWS) {
    const far = STEP * (event.shiftKey ? 4 : 1);
    move(root, from.map((at, side) => clamp(at + far * ARROWS[event.key][side])));
  } else if (event.key === "Enter" || event.key === " ") pick(root, from);
  else if (event.key === "Escape") move(root, null);
  else return;
  event.preventDefault();
}

function move(root, place) {
  root.mark = place;
  root.cursor.hidden = !place;
  if (place) put(root.cursor, place);
  const { classes, names } = root.pixels ?? {};
  const row = place && Math.min(classes.rows - 1, Math.floor(place[1] * classes.rows));
  const column = place && Math.min(classes.columns - 1, Math.floor(place[0] * classes.columns));
  root.read.textContent = place ? names[classes.values[row * classes.columns + column]] : root.said ?? "";
}

function pick(root, [x, y]) {
  const { width, height } = root.pixels.whole;
  root.pixels.pick(Math.min(width - 1, Math.floor(x * width)), Math.min(height - 1, Math.floor(y * height)));
}

function chosen(root, place) {
  root.spot.hidden = !place;
  root.start = place && [(place.x + 0.5) / root.pixels.whole.width, (place.y + 0.5) / root.pixels.whole.height];
  if (place) put(root.spot, root.start);
  root.said = place ? `Chosen: pixel ${place.x}, ${place.y}` : "";
  move(root, null);
}

function put(node, [x, y]) {
  node.style.left = `${100 * x}%`;
  node.style.top = `${100 * y}%`;
}

function boxed({ name, score, box: [x0, y0, x1, y1], chosen }, number, { width, height }, setTriggerValue) {
  const node = pressable("box", `${name}, ${percent(score)}`, element("span", "name", name));
  const [left, top] = [clamp(x0 / width), clamp(y0 / height)];
  node.style.left = `${100 * left}%`;
  node.style.top = `${100 * top}%`;
  node.style.width = `${100 * (clamp(x1 / width) - left)}%`;
  node.style.height = `${100 * (clamp(y1 / height) - top)}%`;
  node.style.zIndex = chosen ? 2 : 1;
  node.setAttribute("aria-pressed", Boolean(chosen));
  node.onclick = () => setTriggerValue("picked", { box: number });
  return node;
}
