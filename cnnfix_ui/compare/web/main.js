// Puts the parts together: what is in view, where the cursor is, and what is drawn when.
import { pixelWords } from "../../components/format.js";
import { clamp } from "../../components/numbers.js";
import { createBar, DRAWN } from "./bar.js";
import { createLayout } from "./layout.js";
import { createLegend } from "./legend.js";
import { readMap } from "./maps.js";
import { createMarks } from "./marks.js";
import { createMenu } from "./menu.js";
import { scaleOf } from "./scales.js";
import { createTalk } from "./talk.js";
import { WHOLE } from "./view.js";

const REDRAW = "cnnfix:redraw"; // how long it took, for the browser's tools

// Runs again whenever Python sends other data. What is the browser's own stays as it is.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".compare");
  root.app ??= createCompare(root);
  root.app.take(data, setTriggerValue);
  const run = (root.run = (root.run ?? 0) + 1);
  return () => {
    if (run !== root.run) return; // an older run's end must not stop what a newer one shows
    root.app.stop();
    root.app = null;
    root.replaceChildren();
  };
}

function createCompare(root) {
  const talk = createTalk();
  const app = {
    data: null,
    view: WHOLE,
    cursor: null, // {u, v}: the same place in all pictures, or null
    byKeys: false, // whether keys placed it
    split: 0.5,
    here: null, // the cell that the pointer or the focus is in
    entry: null, // the one that Tab reaches
    gesture: null,
    keyed: null,
    pinned: new Set(),
    scale: null,
    reference: null, // its map
    titles: { reference: "", detail: "", whole: "" },
    send: talk.send,
  };
  app.marks = createMarks(talk.send, () => app.redraw());
  app.menu = createMenu(root);
  let decoded = new Map();
  const layout = createLayout(root, app);
  const bar = createBar(app);
  const legend = createLegend();
  root.prepend(bar.node, legend.node, ...layout.nodes);

  let frame = 0;
  const due = { maps: false, marks: false, cursor: false };
  const soon = (...what) => {
    for (const one of what) due[one] = true;
    frame ||= requestAnimationFrame(app.flush);
  };
  app.flush = () => {
    const start = performance.now();
    cancelAnimationFrame(frame);
    frame = 0;
    const now = { ...due };
    due.maps = due.marks = due.cursor = false;
    if (now.maps) for (const cell of layout.cells()) cell.draw();
    if (now.maps || now.marks) for (const cell of layout.cells()) cell.drawMarks();
    if (now.marks) showMarks();
    if (now.maps || now.cursor) showCursor();
    if (!now.maps) return;
    performance.clearMeasures(REDRAW);
    performance.measure(REDRAW, { start });
  };
  const showMarks = () => {
    bar.update();
    legend.update(app);
  };
  const showCursor = () => {
    root.classList.toggle("reading", app.cursor !== null);
    if (app.cursor) {
      root.style.setProperty("--at-x", `${100 * (app.cursor.u - app.view.x) * app.view.zoom}%`);
      root.style.setProperty("--at-y", `${100 * (app.cursor.v - app.view.y) * app.view.zoom}%`);
    }
    for (const cell of layout.cells()) cell.read();
    if (app.byKeys && app.cursor && app.here && !app.keyed) bar.tell(spoken(app.here));
  };
  const spoken = (cell) => {
    const [x, y] = cell.pixelAt(app.cursor);
    return `At ${pixelWords(x, y)}: ${cell.read() || "no map"}`;
  };

  app.tell = (words) => bar.tell(words);
  // By its name: by the time that Python hears of it, there may be others before it.
  app.removeColumn = (column) => {
    if (column && app.data.columns.length > 1) app.send({ do: "remove", column });
  };
  app.clear = () => {
    const [kind] = DRAWN[app.data.tool];
    app.marks.clear(kind);
  };
  // Of what was drawn; without a tool for that, of columns, rows and pins.
  app.undo = () => {
    if (app.data.tool !== "look") app.marks.undo();
    else if (app.data.undo) app.send({ do: "undo" });
  };
  app.redraw = () => soon("marks");
  app.look = (view) => {
    app.view = view;
    root.style.setProperty("--zoom", view.zoom);
    root.style.setProperty("--view-x", view.x);
    root.style.setProperty("--view-y", view.y);
    root.classList.toggle("zoomed", view.zoom > 1);
    bar.showView();
    soon("maps");
  };
  app.point = (spot, cell, byKeys = false) => {
    app.cursor = spot && { u: clamp(spot.u), v: clamp(spot.v) };
    app.byKeys = byKeys;
    if (!spot) bar.tell("");
    if (spot && app.here !== cell) {
      app.here = cell;
      soon("marks");
    }
    soon("cursor");
  };
  app.divide = (part) => {
    app.split = clamp(part);
    root.style.setProperty("--split", `${100 * app.split}%`);
    bar.showSplit();
  };
  app.enter = (cell) => {
    app.here = app.entry = cell;
    settleStops();
    soon("marks");
  };
  const settleStops = () => {
    const cells = layout.cells();
    if (!cells.includes(app.entry)) app.entry = cells[0] ?? null;
    for (const cell of cells) {
      const entry = cell === app.entry;
      cell.stage.tabIndex = entry ? 0 : -1;
      for (const button of cell.stage.querySelectorAll("button:not(.removal)")) button.tabIndex = entry ? 0 : -1;
    }
  };
  app.goTo = (cell, step) => {
    const cells = layout.cells();
    cells[(cells.indexOf(cell) + step + cells.length) % cells.length].stage.focus();
  };
  app.goTowards = (cell, move) => layout.towards(cell, move)?.stage.focus();
  app.mapOf = ({ map }) => {
    if (!map) return null;
    const name = `${map.columns} ${map.rows} ${map.top} ${map.values}`;
    if (!decoded.has(name)) decoded.set(name, readMap(map));
    return decoded.get(name);
  };

  const sizes = new ResizeObserver(() => {
    layout.fit();
    for (const cell of layout.cells()) cell.measure();
    soon("maps");
  });
  const observed = new Set();
  const observe = (cells, gone) => {
    for (const { stage } of gone) sizes.unobserve(stage);
    for (const cell of gone) observed.delete(cell);
    for (const cell of cells) {
      if (observed.has(cell)) continue;
      observed.add(cell);
      sizes.observe(cell.stage);
    }
  };
  const givenUp = () => {
    app.gesture?.cancel();
    app.keyed?.cancel();
    app.gesture = app.keyed = app.marks.selected = null;
  };

  app.take = (data, setTriggerValue) => {
    const focused = root.getRootNode().activeElement;
    talk.through(setTriggerValue);
    app.marks.receive(data, talk.heard(data.heard));
    if (app.data && app.data.tool !== data.tool) givenUp();
    app.data = data;
    app.pinned = new Set(data.pinned.map(({ id }) => id));
    const all = [...data.pinned, ...data.cells];
    const compared = all.find(({ id }) => id === data.reference);
    app.reference = compared ? app.mapOf(compared) : null;
    const { title = "", subtitle = "" } = compared ?? {};
    app.titles = { reference: title, detail: subtitle, whole: [title, subtitle].filter(Boolean).join(", ") };
    const maps = all.map(app.mapOf).filter(Boolean);
    app.scale = scaleOf(data, maps, app.reference);
    decoded = new Map([...decoded].filter(([, map]) => maps.includes(map)));
    root.dataset.tool = data.tool;
    root.dataset.view = data.view;
    root.setAttribute("aria-label", data.alt);
    root.style.setProperty("--opacity", data.opacity);
    const gone = layout.take(data);
    for (const cell of gone) if (app.here === cell) app.here = null;
    observe(layout.cells(), gone);
    settleStops();
    for (const cell of layout.cells()) cell.measure();
    if (focused && !focused.isConnected) app.entry?.stage.focus();
    else if (root.contains(focused)) focused.focus({ preventScroll: true }); // moving a node takes the focus off it
    soon("maps", "marks");
  };
  app.stop = () => {
    cancelAnimationFrame(frame);
    sizes.disconnect();
    app.menu.stop();
  };
  root.setAttribute("role", "group");
  sizes.observe(root);
  app.look(WHOLE);
  app.divide(0.5);
  return app;
}
