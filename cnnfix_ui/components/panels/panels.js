import { ARROWS, element, hasModifier, placeOn, showAt } from "../dom.js";
import { percent, pixelWords } from "../format.js";
import { bytesOf, clamp } from "../numbers.js";
import { offerReveal } from "../reveal.js";

const NEAR = 10; // how close to a fixation, in screen pixels, the cursor reads it

const MOST = 65535; // of what Python packed in two bytes
const BEAT = 450; // milliseconds that a reveal stays at a depth
const GONE = "This map is not on the server any more: reload the page.";
const PATIENCE = 400; // milliseconds after the last move of a slider until Python is told

// Runs again whenever Python sends other data. Texts enter the page as text only, never as markup.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".panels");
  while (root.children.length > data.panels.length) root.lastChild.remove();
  while (root.children.length < data.panels.length) root.append(frame());
  const figures = [...root.children];
  root.drawings = stillThere(root.drawings, data.panels);
  data.panels.forEach((panel) => { panel.points = pointsIn(panel.points); });
  const points = data.panels.some((panel) => panel.points.x.length);

  const show = ([x, y]) => {
    root.at = [x, y];
    root.classList.add("reading");
    figures.forEach((figure, number) => {
      const [, stage] = figure.children;
      const read = figure.querySelector(".read");
      stage.style.setProperty("--x", `${100 * x}%`);
      stage.style.setProperty("--y", `${100 * y}%`);
      read.textContent = words(data, data.panels[number], figure.visible, [x, y], stage.clientWidth);
    });
  };
  const hide = () => {
    root.at = null;
    root.classList.remove("reading");
    figures.forEach((figure) => { figure.querySelector(".read").textContent = ""; });
  };

  figures.forEach((figure, number) => {
    const panel = data.panels[number];
    const [caption, stage, choice, read] = figure.children;
    const [photo, overlays, canvas] = stage.children;
    figure.panel = panel;
    caption.textContent = panel.title;
    figure.style.setProperty("--ratio", data.width / data.height);
    stage.setAttribute("aria-label", `${panel.title}. ${data.alt}`);
    showAt(photo, data.photo);
    placeFrame(stage.lastChild, data);
    while (overlays.children.length > panel.layers.length) overlays.lastChild.remove();
    while (overlays.children.length < panel.layers.length) overlays.append(overlay());
    overlays.style.opacity = data.opacity;
    panel.layers.forEach((layer, n) => {
      layer.drawn ??= root.drawings.get(layer.address);
      showAt(overlays.children[n], layer.drawn?.overlay ?? "");
    });
    // What Python says of a slider that is being moved is old.
    if (!figure.moved || figure.shown >= panel.layers.length) figure.shown = panel.shown;
    figure.visible = panel.shown;
    const turn = () => {
      if (panel.layers[figure.shown].drawn) figure.visible = figure.shown;
      else figure.load(); // the last one stays until it is there
      [...overlays.children].forEach((image, n) => image.classList.toggle("shown", n === figure.visible));
      sayLayer(choice, panel, figure.shown);
    };
    figure.load = () => Promise.all(panel.layers.map(async (layer, n) => {
      if (layer.drawn || layer.asked) return;
      layer.asked = true;
      try {
        layer.drawn = await drawing(layer.address, root.drawings);
      } catch {
        layer.about = GONE;
      }
      if (figure.panel !== panel) return; // other maps came meanwhile
      if (layer.drawn) await showAt(overlays.children[n], layer.drawn.overlay);
      turn();
      if (root.at) show(root.at);
    }));
    choice.hidden = panel.layers.length < 2;
    const [, slider] = choice.children;
    slider.max = panel.layers.length - 1;
    slider.value = figure.shown;
    figure.turnTo = (n) => {
      figure.shown = n;
      slider.value = n;
      turn();
    };
    slider.onpointerenter = slider.onfocus = figure.load;
    slider.oninput = () => {
      figure.shown = Number(slider.value);
      turn();
      if (root.at) show(root.at);
      clearTimeout(figure.moved);
      figure.moved = setTimeout(() => { figure.moved = 0; setTriggerValue("layer", figure.shown); }, PATIENCE);
    };
    turn();
    const redraw = () => drawPoints(canvas, panel.points, data);
    stage.observer?.disconnect();
    stage.observer = new ResizeObserver(redraw);
    stage.observer.observe(stage);
    redraw();
    read.textContent = "";

    stage.onpointermove = stage.onpointerdown = (event) => show(placeOn(stage, event));
    stage.onpointerleave = (event) => { if (event.pointerType === "mouse") hide(); };
    stage.onblur = hide;
    stage.onkeydown = (event) => {
      const step = event.shiftKey ? 0.1 : 0.02;
      const move = ARROWS[event.key];
      if (event.key === "Escape") hide();
      if (!move || hasModifier(event)) return;
      event.preventDefault();
      const [x, y] = root.at ?? [0.5, 0.5];
      show([clamp(x + step * move[0]), clamp(y + step * move[1])]);
    };
  });
  if (root.at) show(root.at);
  legend(parentElement.querySelector(".legend"), data, points);
  const withdraw = offerReveal((place) => reveal(root, figures, place, show));
  return () => {
    withdraw();
    figures.forEach((figure) => figure.children[1].observer?.disconnect());
  };
}

// From the coarsest depth to the pixels, as the walk goes; then all as it was, with what the maps say at the place.
async function reveal(root, figures, place, show) {
  const [first] = figures;
  const { shown } = first;
  const [, stage, choice] = first.children;
  const [, slider] = choice.children;
  stage.scrollIntoView({ block: "nearest" });
  root.classList.add("revealing", "bare");
  await Promise.all([beat(), first.load()]);
  root.classList.remove("bare");
  for (let depth = 1; depth <= slider.max; depth++) {
    first.turnTo(depth);
    await beat();
  }
  root.classList.remove("revealing");
  first.turnTo(shown);
  show(place);
}

const beat = () => new Promise((done) => { setTimeout(done, BEAT); });

// The drawings that were loaded before and that the panels still lead to.
function stillThere(drawings, panels) {
  const addresses = new Set(panels.flatMap(({ layers }) => layers.map(({ address }) => address)));
  return new Map([...drawings ?? []].filter(([address]) => addresses.has(address)));
}

// What Python draws of a map when it is asked for: see `_draw` in component.py.
async function drawing(address, drawings) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status}`);
  const drawn = await answer.json();
  drawings.set(address, drawn);
  return drawn;
}

// Columns of numbers, as `_points` in component.py packs them.
function pointsIn({ x, y, evidence, channel, channels }) {
  if (typeof x !== "string") return { x, y, evidence, channel, channels }; // unpacked before
  const [across, down] = [x, y].map((text) => new Uint32Array(bytesOf(text).buffer));
  return { x: across, y: down, evidence: new Float32Array(bytesOf(evidence).buffer), channel: bytesOf(channel), channels };
}

// One byte and two bytes for each place, as `_readings` in component.py packs them; unpacked once.
const unpacked = new WeakMap();

function readings(drawn) {
  if (!unpacked.has(drawn)) {
    const { columns, rows, rank, times, most } = drawn.read;
    const places = new Uint16Array(bytesOf(times).buffer);
    const strengths = Float32Array.from(places, (value) => (value / MOST) * most);
    unpacked.set(drawn, { columns, rows, rank: bytesOf(rank), times: strengths });
  }
  return unpacked.get(drawn);
}

function overlay() {
  const image = element("img", "overlay");
  image.alt = ""; // the stage says it
  return image;
}

function sayLayer(choice, panel, shown) {
  const { name, about } = panel.layers[shown];
  const [, slider, said, text] = choice.children;
  slider.setAttribute("aria-valuetext", name);
  said.textContent = name;
  text.textContent = about;
}

function frame() {
  const photo = element("img", "photo");
  photo.alt = ""; // the stage says it
  const overlays = element("div", "overlays");
  const stage = element("div", "stage", photo, overlays, element("canvas", "points"), element("div", "cursor"), element("div", "seen"));
  stage.tabIndex = 0;
  stage.setAttribute("role", "img");
  stage.setAttribute("aria-description", "Arrow keys read the values");
  const read = element("p", "read");
  read.setAttribute("aria-live", "polite");
  const slider = element("input", "slider");
  Object.assign(slider, { type: "range", min: 0, step: 1 });
  slider.setAttribute("aria-label", "Depth");
  const said = [element("span", "name"), element("p", "about")];
  const choice = element("div", "choice", element("span", "label", "Depth"), slider, ...said);
  return element("figure", "", element("figcaption", ""), stage, choice, read);
}

// The part of the picture that the network saw.
function placeFrame(node, { frame, width, height }) {
  node.hidden = !frame;
  if (!frame) return;
  const [x0, y0, x1, y1] = frame;
  node.style.left = `${(100 * x0) / width}%`;
  node.style.top = `${(100 * y0) / height}%`;
  node.style.width = `${(100 * (x1 + 1 - x0)) / width}%`;
  node.style.height = `${(100 * (y1 + 1 - y0)) / height}%`;
}

function drawPoints(canvas, points, data) {
  const scale = window.devicePixelRatio || 1;
  const { clientWidth: width, clientHeight: height } = canvas.parentElement;
  canvas.width = width * scale;
  canvas.height = height * scale;
  if (!points.x.length) return;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.fillStyle = data.point.fill;
  pen.strokeStyle = data.point.edge;
  pen.lineWidth = 0.75;
  const largest = Math.max(2.5, width / 120);
  // The weakest first, so that the strongest lie on top; the area of a point stands for its evidence.
  for (let n = points.x.length - 1; n >= 0; n--) {
    const [x, y] = [(points.x[n] + 0.5) / data.width, (points.y[n] + 0.5) / data.height];
    const radius = largest * Math.max(0.2, Math.sqrt(points.evidence[n] / points.evidence[0]));
    pen.beginPath();
    pen.arc(x * width, y * height, radius, 0, 2 * Math.PI);
    pen.fill();
    if (radius > 1.5) pen.stroke();
  }
}

function words(data, panel, shown, [x, y], width) {
  const { columns, rows, rank, times } = readings(panel.layers[shown].drawn);
  const column = Math.min(columns - 1, Math.floor(x * columns));
  const row = Math.min(rows - 1, Math.floor(y * rows));
  const cell = row * columns + column;
  const pixel = [[x, data.width], [y, data.height]].map(([part, size]) => Math.min(size - 1, Math.floor(part * size)));
  const map = times[cell] > 0
    ? `${times[cell].toFixed(1)} times as strong as the average, among the strongest ${rank[cell]} %`
    : "the map is 0 here";
  const { points } = panel;
  const near = nearest(data, points, x, y, width);
  const fixation = near < 0 ? "" : ` Fixation at ${pixelWords(points.x[near], points.y[near])}: ${percent(points.evidence[near])
  } of the evidence; of its colour values, ${points.channels[points.channel[near]]} counts most.`;
  return `At ${pixelWords(...pixel)}: ${map}.${fixation}`;
}

// The number of the nearest point within reach, or -1.
function nearest(data, points, x, y, width) {
  const reach = (NEAR / width) * data.width;
  let best = -1;
  let least = reach * reach;
  for (let n = 0; n < points.x.length; n++) {
    const distance = (points.x[n] + 0.5 - x * data.width) ** 2 + (points.y[n] + 0.5 - y * data.height) ** 2;
    if (distance < least) [best, least] = [n, distance];
  }
  return best;
}

function legend(node, data, points) {
  const keys = [];
  if (data.opacity > 0) {
    keys.push(element("span", "key", data.legendText));
    for (const { colour, label } of data.legend) {
      const swatch = element("span", "swatch");
      swatch.style.background = colour;
      keys.push(element("span", "key", swatch, label));
    }
  }
  if (points) {
    const dot = element("span", "dot");
    dot.style.background = data.point.fill;
    dot.style.borderColor = data.point.edge;
    keys.push(element("span", "key", dot, data.point.label));
  }
  node.replaceChildren(...keys);
}
