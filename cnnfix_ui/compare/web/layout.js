// Where heads and cells go. Several methods and several rows: a matrix, which scrolls sideways if it must. One row, or
// one column: cells side by side, each with its own head, in as many lines as the room asks for.
import { element } from "../../components/dom.js";
import { clamp } from "../../components/numbers.js";
import { createCell } from "./cell.js";
import { createHead, takeColumn, takeRow } from "./heads.js";
import { rove } from "./roving.js";

const MOST_ACROSS = 4;
const MOST_ACROSS_WIDE = 5;
const VERY_WIDE = 1700; // CSS pixels
const LEAST_WIDTH = 160;
const BETWEEN_CELLS = 14;

// Puts these nodes into one, in this order. Those that stay are not moved, so that they keep the focus.
function arrange(parent, nodes) {
  for (const child of [...parent.children]) if (!nodes.includes(child)) child.remove();
  nodes.forEach((node, n) => {
    if (parent.children[n] !== node) parent.insertBefore(node, parent.children[n] ?? null);
  });
}

// As many side by side as there is room for, in lines of about one length.
function across(number, width) {
  const most = width > VERY_WIDE ? MOST_ACROSS_WIDE : MOST_ACROSS;
  const fitting = clamp(Math.floor((width + BETWEEN_CELLS) / (LEAST_WIDTH + BETWEEN_CELLS)), 1, most);
  return Math.ceil(number / Math.ceil(number / fitting));
}

// Nodes by name, made when they are first asked for; those not asked for in a round are forgotten.
function createShelf(make) {
  let kept = new Map();
  let next = new Map();
  return {
    get: (name) => {
      const item = kept.get(name) ?? make();
      next.set(name, item);
      return item;
    },
    // What is gone.
    close: () => {
      const gone = [...kept].filter(([name]) => !next.has(name)).map(([, item]) => item);
      [kept, next] = [next, new Map()];
      return gone;
    },
  };
}

const WAYS = {
  matrix: (columns, rows, cells) => ({
    top: columns,
    body: rows.flatMap((row, n) => [row, ...cells.filter(({ data }) => data.row === n).map(({ node }) => node)]),
    head: () => [],
  }),
  columns: (columns, rows, cells) => ({
    top: rows, body: cells.map(({ node }) => node), head: ({ data }) => [columns[data.column]],
  }),
  rows: (columns, rows, cells) => ({
    top: columns, body: cells.map(({ node }) => node), head: ({ data }) => [rows[data.row]],
  }),
};
const wayOf = ({ columns, rows }) => (rows.length < 2 ? "columns" : columns.length > 1 ? "matrix" : "rows");

export function createLayout(root, app) {
  const strip = element("div", "body");
  const pins = element("section", "pins", element("h3", "", "Pinned"), strip);
  pins.setAttribute("aria-label", "Pinned maps");
  const top = element("div", "top");
  const body = element("div", "body");
  const maps = element("section", "maps", top, body);
  const columns = createShelf(() => createHead(app, "column"));
  const rows = createShelf(() => createHead(app, "row"));
  const cells = createShelf(() => createCell(app));
  let heads = [];
  let shown = [];
  const roving = rove(maps, () => heads);
  body.onscroll = () => { top.scrollLeft = body.scrollLeft; };
  top.onscroll = () => { body.scrollLeft = top.scrollLeft; }; // when the focus scrolls it

  const fit = () => {
    const { data } = app;
    const way = wayOf(data);
    const lined = across(way === "matrix" ? data.columns.length : data.cells.length || 1, root.clientWidth);
    maps.style.setProperty("--across", way === "matrix" ? data.columns.length : lined);
    strip.style.setProperty("--across", lined);
  };
  const takeCells = (data) => {
    const cellOf = (one, place, inStrip) => {
      const cell = cells.get(place);
      cell.take(one, app.mapOf(one), inStrip);
      return cell;
    };
    return [
      data.pinned.map((one, n) => cellOf(one, `pinned ${n}`, true)),
      data.cells.map((one) => cellOf(one, `${one.row} ${one.column}`, false)),
    ];
  };
  return {
    nodes: [pins, maps],
    cells: () => shown,
    fit,
    // Says which cells are gone.
    take: (data) => {
      const columnHeads = data.columns.map((_, n) => columns.get(n));
      const rowHeads = data.rows.map((_, n) => rows.get(n));
      columnHeads.forEach((head, n) => takeColumn(app, head, n));
      rowHeads.forEach((head, n) => takeRow(app, head, n));
      const [pinned, placed] = takeCells(data);
      const way = wayOf(data);
      const nodes = [columnHeads, rowHeads].map((all) => all.map(({ node }) => node));
      const places = WAYS[way](...nodes, placed);
      maps.dataset.way = way;
      const ratios = Object.values(data.photos).map(({ width, height }) => width / height);
      root.style.setProperty("--flattest", Math.max(...ratios));
      pins.hidden = !pinned.length;
      for (const cell of placed) arrange(cell.slot, places.head(cell));
      for (const cell of pinned) arrange(cell.slot, [cell.caption]);
      arrange(strip, pinned.map(({ node }) => node));
      arrange(top, places.top);
      arrange(body, places.body);
      fit();
      heads = [...maps.querySelectorAll(".open:enabled")];
      roving.settle();
      shown = [...pinned, ...placed];
      columns.close();
      rows.close();
      return cells.close();
    },
    // The cell next to this one on the screen, in the direction of a move [across, down]; or null.
    towards: (cell, [right, down]) => {
      const here = cell.stage.getBoundingClientRect();
      const ahead = shown.map((one) => {
        const box = one.stage.getBoundingClientRect();
        const [dx, dy] = [box.left - here.left, box.top - here.top];
        const along = right * dx + down * dy;
        return { one, along, cost: along + 3 * Math.abs(right ? dy : dx) };
      }).filter(({ along }) => along > 4);
      return ahead.sort((a, b) => a.cost - b.cost)[0]?.one ?? null;
    },
  };
}
