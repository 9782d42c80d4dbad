// The bar above the grid: zoom, divider, what was drawn, what is still computed, and another method.
import { element, icon, pressable } from "../../components/dom.js";
import { methodSections } from "./heads.js";
import { ICONS } from "./icons.js";
import { rove } from "./roving.js";
import { middleOf, MOST_ZOOM, ONE_STEP, WHOLE, zoomedAbout } from "./view.js";

const HINTS = {
  look: "Ctrl + wheel or double-click to zoom, drag to move",
  box: "Drag to draw a box; drag its edges to change it",
  brush: "Brush over what you want to hide",
};
const TOUCHED = { ...HINTS, look: "Zoom and move with two fingers" };
export const DRAWN = { box: ["boxes", "Remove all boxes"], brush: ["strokes", "Remove all brush strokes"] };

function barButton(label, path, words, act) {
  const button = pressable("tool", words ? "" : label, ...(path ? [icon(path)] : []), words);
  button.title = label;
  button.onclick = () => { if (button.ariaDisabled !== "true") act(); };
  return button;
}

const enable = (button, on) => button.setAttribute("aria-disabled", String(!on));

function createZoom(app) {
  const by = (factor) => () => app.look(zoomedAbout(app.view, factor, middleOf(app.view)));
  const out = barButton("Zoom out (−)", ICONS.minus, "", by(1 / ONE_STEP));
  const whole = barButton("Show whole pictures (0)", "", "1.0 ×", () => app.look(WHOLE));
  const into = barButton("Zoom in (+)", ICONS.plus, "", by(ONE_STEP));
  return {
    node: element("div", "group", out, whole, into),
    buttons: [out, whole, into],
    update: () => {
      const { zoom } = app.view;
      whole.textContent = `${zoom.toFixed(1)} ×`;
      whole.setAttribute("aria-label", `Zoom ${zoom.toFixed(1)} times. Show whole pictures`);
      enable(out, zoom > 1);
      enable(whole, zoom > 1);
      enable(into, zoom < MOST_ZOOM);
    },
  };
}

export function createBar(app) {
  const zoom = createZoom(app);
  const range = element("input", "range");
  Object.assign(range, { type: "range", min: 0, max: 100, step: 1 });
  range.oninput = () => app.divide(range.value / 100);
  const divider = element("label", "divide", "Divider", range);
  const undo = barButton("Undo (Ctrl + Z)", ICONS.undo, "Undo", () => app.undo());
  const clearing = element("span", "");
  const clear = barButton("", ICONS.cross, clearing, () => app.clear());
  const told = element("span", "told");
  told.setAttribute("aria-live", "polite");
  const hint = element("span", "hint");
  const ready = element("span", "ready");
  const stop = barButton("Stop all", ICONS.stop, "Stop all", () => app.send({ do: "stop" }));
  const pending = element("span", "pending", ready, stop);
  const add = barButton("", ICONS.plus, "Add a method", () => {});
  app.menu.on(add, () => "Add a method", () => methodSections(app, null, (method) => app.send({ do: "add", method })));
  const node = element("div", "bar", zoom.node, divider, undo, clear, told, hint, pending, add);
  node.setAttribute("role", "toolbar");
  node.setAttribute("aria-label", "Grid");
  const all = [...zoom.buttons, range, undo, clear, stop, add];
  const roving = rove(node, () => all.filter((one) => !one.disabled && !one.closest("[hidden]")));

  return {
    node,
    tell: (words) => { if (told.textContent !== words) told.textContent = words; },
    showView: zoom.update,
    showSplit: () => {
      const part = Math.round(100 * app.split);
      if (Number(range.value) !== part) range.value = part;
      range.setAttribute("aria-valuetext", `${part} % reference, ${100 - part} % each cell's own map`);
    },
    update: () => {
      const { data, marks } = app;
      const [kind, words] = DRAWN[data.tool] ?? ["", ""];
      divider.hidden = data.view !== "slider";
      clear.hidden = !kind;
      enable(undo, kind ? marks.canUndo() : data.undo);
      enable(clear, Boolean(kind) && marks.any(kind));
      clearing.textContent = clear.title = words;
      hint.textContent = (matchMedia("(pointer: coarse), (max-width: 640px)").matches ? TOUCHED : HINTS)[data.tool];
      const cells = [...data.pinned, ...data.cells];
      const possible = cells.filter(({ state }) => state !== "unfit");
      const going = cells.some(({ state }) => state === "running" || state === "waiting");
      ready.textContent = `${possible.filter(({ state }) => state === "done").length} of ${possible.length} ready`;
      pending.classList.toggle("over", !going); // its room stays, so that nothing moves
      stop.disabled = !going;
      add.disabled = !data.room;
      add.title = data.room ? "Add a column" : "The grid is full: it has room for 16 maps. Remove one first.";
      roving.settle();
    },
  };
}
