// A sheet to draw on. The browser has the strokes and sends all of them after each change; Python answers with what
// each stroke did. Positions are from 0 to 1.
import { ARROWS, element, hasModifier, icon, placeOn, pressable, showAt, svgElement } from "../../components/dom.js";
import { count, percent } from "../../components/format.js";
import { clamp } from "../../components/numbers.js";

const UNDO = "M12.5 8c-2.65 0-5.05 1-6.9 2.6L2 7v9h9l-3.6-3.6A8 8 0 0 1 20.1 16l2.4-.8A10.5 10.5 0 0 0 12.5 8z";
const CLEAR = "M6 19a2 2 0 0 0 2 2h8a2 2 0 0 0 2-2V7H6zM19 4h-3.5l-1-1h-5l-1 1H5v2h14z";
const LEAST = 0.004; // distance of two points
const STEP = 0.02; // of the pen that keys move
const DIGIT = 0.021; // width of a digit of a stroke's number, with some space around it
const DIGIT_HEIGHT = 0.032;
const round = (value) => Math.round(1000 * clamp(value)) / 1000;

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".sheet");
  const state = (root.state ??= { strokes: [], cleared: null, sent: 0, pen: null, drawing: null });
  state.send = () => {
    state.sent = Date.now();
    setTriggerValue("drawn", { sheet: state.sheet, id: state.sent, strokes: state.strokes });
  };
  if (!root.firstChild) build(root, state);
  root.style.setProperty("--pen", data.pen);
  root.stage.setAttribute("aria-label", data.label);
  root.photo.hidden = !data.photo;
  showAt(root.photo, data.photo);
  if (state.sheet !== data.sheet) { // another one was chosen
    Object.assign(state, { sheet: data.sheet, strokes: data.strokes, cleared: null, drawing: null, sent: data.id });
  }
  // An answer to what was drawn before the last stroke says nothing of that one.
  root.shares = data.id >= state.sent ? data.shares : [];
  paint(root, state);
}

function build(root, state) {
  const svg = svgElement("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
  const pen = element("div", "pen");
  root.photo = element("img", "");
  root.photo.alt = "";
  root.hint = element("p", "hint", "Draw here");
  root.stage = element("div", "stage", root.photo, svg, root.hint, pen);
  root.stage.tabIndex = 0;
  root.stage.setAttribute("role", "application");
  root.svg = svg;
  root.pen = pen;
  root.undo = pressable("tool", "", icon(UNDO), "Undo");
  root.clear = pressable("tool", "", icon(CLEAR), "Clear");
  root.say = element("p", "say", "");
  root.say.setAttribute("aria-live", "polite");
  root.legend = element(
    "p", "legend", element("span", "ramp"), "from no evidence to the stroke with the most; numbers: the order of strokes",
  );
  root.replaceChildren(root.stage, root.legend, element("div", "tools", root.undo, root.clear), root.say);
  root.undo.onclick = () => undo(root, state);
  root.clear.onclick = () => clear(root, state);
  byPointer(root, state);
  byKeys(root, state);
}

function byPointer(root, state) {
  const place = (event) => placeOn(root.svg, event).map(round);
  root.stage.onpointerdown = (event) => {
    if (event.button > 0 || state.drawing) return;
    event.preventDefault();
    root.stage.focus({ preventScroll: true });
    root.stage.setPointerCapture(event.pointerId);
    state.pen = null;
    state.drawing = { pointer: event.pointerId, points: [place(event)] };
    paint(root, state);
  };
  root.stage.onpointermove = (event) => {
    if (state.drawing?.pointer !== event.pointerId) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) add(state.drawing.points, place(one));
    paint(root, state);
  };
  root.stage.onpointerup = (event) => {
    if (state.drawing?.pointer === event.pointerId) finish(root, state);
  };
  root.stage.onpointercancel = () => {
    state.drawing = null;
    paint(root, state);
  };
}

// Arrow keys move the pen, Space puts it down and lifts it.
function byKeys(root, state) {
  root.stage.onkeydown = (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      undo(root, state);
      return;
    }
    if (hasModifier(event)) return;
    if (event.key in ARROWS) {
      const [x, y] = state.pen ?? [0.5, 0.5];
      const far = STEP * (event.shiftKey ? 4 : 1);
      state.pen = [round(x + far * ARROWS[event.key][0]), round(y + far * ARROWS[event.key][1])];
      if (state.drawing) add(state.drawing.points, state.pen);
    } else if (event.key === " " && !event.repeat) {
      state.pen ??= [0.5, 0.5];
      if (state.drawing) finish(root, state);
      else state.drawing = { pointer: null, points: [state.pen] };
    } else if (event.key === "Escape") {
      state.drawing = state.pen = null;
    } else if (event.key === "Backspace" || event.key === "Delete") {
      undo(root, state);
    } else return;
    event.preventDefault();
    paint(root, state);
  };
  root.stage.onblur = () => {
    state.pen = null;
    if (state.drawing?.pointer === null) finish(root, state);
    paint(root, state);
  };
}

function add(points, [x, y]) {
  const [before, above] = points.at(-1);
  if (Math.hypot(x - before, y - above) >= LEAST) points.push([x, y]);
}

function finish(root, state) {
  state.strokes = [...state.strokes, state.drawing.points];
  state.drawing = state.cleared = null;
  changed(root, state, `${count(state.strokes.length, "stroke")}.`);
}

function undo(root, state) {
  if (!state.strokes.length && !state.cleared) return;
  state.strokes = state.cleared ?? state.strokes.slice(0, -1);
  state.cleared = null;
  changed(root, state, `Undone: ${count(state.strokes.length, "stroke")}.`);
}

function clear(root, state) {
  if (!state.strokes.length) return;
  state.cleared = state.strokes;
  state.strokes = [];
  changed(root, state, "Cleared. Undo restores the strokes.");
}

function changed(root, state, words) {
  root.shares = [];
  root.say.textContent = words;
  state.send();
  paint(root, state);
}

// The number of each stroke, once it is known what each did: at its beginning, or where no other number is.
function numbers(root, drawn) {
  const taken = [];
  return drawn.slice(0, root.shares.length).map((points, number) => {
    const text = String(number + 1);
    const spots = places(points, DIGIT * text.length);
    const apart = (spot) => Math.min(...taken.map((other) => distance(spot, other)));
    const spot = spots.find((one) => apart(one) >= 1) ?? spots.reduce((a, b) => (apart(b) > apart(a) ? b : a));
    taken.push(spot);
    const label = svgElement("text", { x: spot.x, y: spot.y });
    label.textContent = text;
    return label;
  });
}

// Where a number of this width may stand, the best place first: above, below or beside its stroke's points.
function places(points, width) {
  const along = [0, 1, 0.5, 0.25, 0.75].map((share) => points[Math.round(share * (points.length - 1))]);
  const beside = [[0, -0.015], [0, 0.04], [0.015, 0.012], [-width - 0.015, 0.012]];
  return along.flatMap(([x, y]) => beside.map(([right, down]) => (
    { x: clamp(x + right, 0.02, 0.98 - width), y: clamp(y + down, 0.04, 0.99), width }
  )));
}

// Of two numbers: 1 and more if they do not touch.
const distance = (a, b) => Math.max(Math.abs(a.x - b.x) / (a.x < b.x ? a.width : b.width), Math.abs(a.y - b.y) / DIGIT_HEIGHT);

function paint(root, state) {
  const drawn = state.drawing ? [...state.strokes, state.drawing.points] : state.strokes;
  const most = Math.max(...root.shares, 1e-9);
  const lines = drawn.map((points, number) => {
    const dots = points.length > 1 ? points : [points[0], points[0]]; // a dot has length 0 and round ends
    const line = svgElement("polyline", { points: dots.map((point) => point.join(",")).join(" ") });
    const share = root.shares[number];
    if (share !== undefined) {
      line.style.setProperty("--share", `${Math.round(100 * (share / most))}%`);
      const words = `Stroke ${number + 1}: ${percent(share)} of the evidence on strokes`;
      line.append(svgElement("title", {}, words));
    }
    return line;
  });
  root.svg.replaceChildren(...lines, ...numbers(root, drawn));
  root.legend.hidden = !root.shares.length;
  root.hint.hidden = drawn.length > 0 || !root.photo.hidden;
  root.undo.disabled = !state.strokes.length && !state.cleared;
  root.clear.disabled = !state.strokes.length;
  root.pen.hidden = !state.pen;
  root.pen.classList.toggle("down", Boolean(state.drawing));
  if (state.pen) root.pen.style.cssText = `left: ${100 * state.pen[0]}%; top: ${100 * state.pen[1]}%`;
}
