// Keys in a cell that has the focus.
import { ARROWS } from "../../components/dom.js";
import { clamp } from "../../components/numbers.js";
import { keyedBox, removeBox, selectNextBox } from "./boxes.js";
import { dab } from "./brush.js";
import { middleOf, ONE_STEP, showing, WHOLE, zoomedAbout } from "./view.js";

const STEP = 0.02; // of what is in view
const LONG_STEP = 0.1;
export const SHORTCUTS = "ArrowLeft ArrowRight ArrowUp ArrowDown Plus Minus 0 P Delete PageDown PageUp";
const TOOL_KEYS = {
  look: "Delete removes the column, Control and Z restores it.",
  box: "Enter starts and finishes a box, Escape cancels it, B goes to the next box, Delete removes the box.",
  brush: "Enter brushes over the place, Delete removes all brush strokes from the picture.",
};

export const keyHelp = (tool) => "Arrow keys move the cursor, with Shift in larger steps, with Control to the next cell, like Page "
  + `Up and Page Down. Plus, minus and 0 zoom, P pins. ${TOOL_KEYS[tool]}`.trim();

function moveCursor(app, cell, [across, down], long) {
  const { clientWidth, clientHeight } = cell.stage;
  const step = (long ? LONG_STEP : STEP) / app.view.zoom;
  // As far on the screen down as across.
  const shape = clientWidth / clientHeight;
  const { u, v } = app.cursor ?? middleOf(app.view);
  const to = { u: clamp(u + across * step, 0, 0.99999), v: clamp(v + down * step * shape, 0, 0.99999) };
  app.look(showing(app.view, to));
  app.point(to, cell, true);
  app.keyed?.follow();
}

function enter(app, cell) {
  if (app.data.tool === "look") return;
  if (!app.cursor) app.point(middleOf(app.view), cell, true);
  if (app.data.tool === "brush") dab(app, cell);
  else if (app.keyed) {
    const { keyed } = app;
    app.keyed = null;
    keyed.end();
  } else app.keyed = keyedBox(app, cell);
}

function remove(app, cell) {
  const { tool } = app.data;
  if (tool === "look") app.removeColumn(cell.column());
  else if (tool === "brush") app.marks.put("strokes", cell.strokes(), []);
  else if (tool === "box" && app.marks.selected?.key === cell.truth()) {
    removeBox(app, cell.truth(), app.marks.selected.number);
  }
}

function escape(app, cell) {
  app.gesture?.cancel();
  app.keyed?.cancel();
  app.gesture = app.keyed = null;
  app.marks.selected = null;
  app.point(null, cell);
  app.redraw();
}

const named = (key) => (key.length === 1 ? key.toLowerCase() : key);

export function listenToKeys(app, cell) {
  const { stage } = cell;
  const zoom = (factor) => app.look(zoomedAbout(app.view, factor, app.cursor ?? middleOf(app.view)));
  const actions = {
    "+": () => zoom(ONE_STEP),
    "=": () => zoom(ONE_STEP),
    "-": () => zoom(1 / ONE_STEP),
    0: () => app.look(WHOLE),
    p: () => cell.pin(),
    b: () => app.data.tool === "box" && selectNextBox(app, cell),
    Enter: () => enter(app, cell),
    Delete: () => remove(app, cell),
    Backspace: () => app.data.tool !== "look" && remove(app, cell),
    Escape: () => escape(app, cell),
    PageDown: () => app.goTo(cell, 1),
    PageUp: () => app.goTo(cell, -1),
  };
  stage.onkeydown = (event) => {
    if (event.target !== stage || event.altKey) return;
    const move = ARROWS[event.key];
    const command = event.ctrlKey || event.metaKey;
    if (move && command) app.goTowards(cell, move);
    else if (move) moveCursor(app, cell, move, event.shiftKey);
    else if (command && event.key.toLowerCase() === "z") app.undo();
    else if (!command && named(event.key) in actions) actions[named(event.key)]();
    else return;
    event.preventDefault();
  };
  stage.onblur = () => {
    app.keyed?.cancel();
    app.keyed = null;
    if (app.byKeys) app.point(null, cell);
  };
}
