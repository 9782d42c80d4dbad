// The four ways to answer: taps on a picture, one of several answers, one of two maps, a number.
// Each gives { node, value, enable }: what is drawn, what is answered now (null for nothing), and whether it takes answers.
import { element, pressable } from "../../components/dom.js";
import { addStage, begin, describe, draw } from "../../components/taps/stage.js";

export function answering(data, changed) {
  const { question, answer } = data;
  if (question.kind === "look") return looking(data, changed);
  if (question.kind === "guess") return guessing(question, answer, changed);
  return choosing(question, answer, data.maps, changed);
}

function looking({ question, picture, answer, ask }, changed) {
  const { width, height } = picture;
  const root = {};
  const inPixels = ([x, y]) => [Math.min(width - 1, Math.floor(x * width)), Math.min(height - 1, Math.floor(y * height))];
  const given = (answer ?? []).map(inPixels);
  let ready = false;
  addStage(root, () => { if (ready) changed(); });
  const points = question.boxes ? [] : given;
  const box = question.boxes && given.length ? given.flat() : null;
  root.data = { width, height, points, box, limit: question.boxes ? 0 : question.most, label: ask, marking: true };
  begin(root, root.data);
  root.photo.src = picture.photo;
  const enable = (on) => {
    root.data.marking = on;
    describe(root.stage, root.data);
    draw(root);
  };
  enable(true);
  ready = true;
  const inShares = ([x, y]) => [(x + 0.5) / width, (y + 0.5) / height];
  const value = () => {
    if (!question.boxes) return root.points.length ? root.points.map(inShares) : null;
    if (!root.box) return null;
    const [x0, y0, x1, y1] = root.box;
    return [[x0 / width, y0 / height], [(x1 + 1) / width, (y1 + 1) / height]];
  };
  return { node: held(root.stage, picture), value, enable };
}

function choosing({ options, kind }, answer, maps, changed) {
  let chosen = answer;
  const group = element("div", kind === "which" ? "maps" : "options");
  group.setAttribute("role", "group");
  const buttons = options.map((label, number) => {
    const button = pressable("option", "", ...(maps?.[number] ? [mapOn(maps[number])] : []), element("span", "", label));
    button.onclick = () => { chosen = number; mark(); changed(); };
    return button;
  });
  const mark = () => buttons.forEach((button, number) => button.setAttribute("aria-pressed", number === chosen));
  group.append(...buttons);
  mark();
  return { node: group, value: () => chosen, enable: (on) => buttons.forEach((button) => { button.disabled = !on; }) };
}

function guessing({ low, high, step, unit, label }, answer, changed) {
  let touched = answer !== null;
  const number = element("output", "number");
  const slider = element("input", "slider");
  Object.assign(slider, { type: "range", min: low, max: high, step, value: answer ?? (low + high) / 2 });
  slider.setAttribute("aria-label", label);
  const say = () => { number.textContent = touched ? [Number(slider.value).toLocaleString("en"), unit].join(" ").trim() : "?"; };
  slider.oninput = slider.onpointerdown = () => { touched = true; say(); };
  slider.onchange = () => changed();
  const ends = element("div", "ends", element("span", "", String(low)), element("span", "", `${high} ${unit}`));
  say();
  return {
    node: element("div", "guess", number, slider, ends),
    value: () => (touched ? Number(slider.value) : null),
    enable: (on) => { slider.disabled = !on; },
  };
}

// A node of the picture's proportions in all the room that there is.
export function held(node, { width, height }) {
  const frame = element("div", "frame", node);
  frame.style.setProperty("--ratio", width / height);
  return frame;
}

// The picture with a map over it, the strongest fixations, and what was tapped.
export function figureOf(picture, { overlay, points }, label, taps = []) {
  const node = element("div", "stage", ...photo(picture.photo, overlay));
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", label);
  for (const point of points ?? []) node.append(dot("point", point));
  taps.forEach((tap, number) => node.append(dot("place", tap, String(number + 1))));
  return held(node, picture);
}

function mapOn({ photo: under, overlay, width, height }) {
  const node = element("div", "stage", ...photo(under, overlay));
  node.style.setProperty("--ratio", width / height);
  return node;
}

function photo(under, overlay) {
  return overlay ? [image(under), element("div", "layers", image(overlay))] : [image(under)];
}

function image(address) {
  const node = element("img", "");
  node.src = address;
  node.alt = ""; // its holder says it
  return node;
}

function dot(className, [x, y], text = "") {
  const node = element("span", className, text);
  node.style.left = `${100 * x}%`;
  node.style.top = `${100 * y}%`;
  return node;
}
