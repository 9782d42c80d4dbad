// Tables of numbers, cell by cell: what a filter sees, the filter, their product. They light up together.
import { element, hasModifier } from "../../components/dom.js";
import { numberWriter, percent, threeDigits } from "../../components/format.js";
import { clamp } from "../../components/numbers.js";
import { placeName } from "./points.js";

const GRID_TYPE = 13; // CSS pixels; smaller type cannot be read

// tables: [{title, note, values, sum}]; each table's values are rows of numbers, null outside the picture.
// operators: between them. words(row, column): about one cell. winner: [row, column] or null. name: of the winner.
function gridPanel({ tables, operators, words, winner, winnerWords }) {
  const reading = element("p", "grid-reading");
  const drawn = tables.map((table, number) => gridTable(table, number, words, winner, winnerWords));
  const cells = drawn.map((figure) => figure.querySelector(".grid-cells"));
  const row = element("div", "grid-row");
  drawn.forEach((figure, number) => {
    row.append(number ? element("div", "grid-next", gridOperator(operators[number - 1]), figure) : figure);
  });
  row.style.setProperty("--columns", tables[0].values[0].length);
  const columns = tables[0].values[0].length;
  row.classList.toggle("wide", columns > 4 && tables.length > 1);
  const light = (at) => {
    row.querySelectorAll(".lit").forEach((cell) => cell.classList.remove("lit"));
    if (at) cells.forEach((table) => table.children[at[0]].children[at[1]].classList.add("lit"));
    reading.textContent = gridSentence(at ?? winner, words, winner, winnerWords);
  };
  const placeOf = (target) => {
    const cell = target?.closest?.(".grid-cell");
    return cell ? [Number(cell.dataset.row), Number(cell.dataset.column)] : null;
  };
  const rest = () => light(placeOf(row.querySelector(".grid-cell:focus")));
  row.onpointerover = (event) => {
    const at = placeOf(event.target);
    if (at) light(at);
    else rest();
  };
  row.onpointerleave = rest;
  row.addEventListener("focusin", (event) => light(placeOf(event.target)));
  row.addEventListener("focusout", (event) => { if (!row.contains(event.relatedTarget)) light(null); });
  row.onkeydown = (event) => gridMove(event, tables[0].values.length, columns);
  light(null);
  return element("div", "grid-panel", row, reading, gridKey(tables, winner, winnerWords));
}

function gridSentence(at, words, winner, winnerWords) {
  if (!at) return "Point at a cell to read its value.";
  const won = winner && at[0] === winner[0] && at[1] === winner[1];
  return words(...at) + (won ? ` – ${winnerWords}` : "");
}

function gridOperator(sign) {
  const node = element("span", "grid-operator", sign);
  node.setAttribute("aria-hidden", "true"); // the cells say it
  return node;
}

function gridTable({ title, note, values, sum }, number, words, winner, winnerWords) {
  const known = values.flat().filter((value) => value !== null);
  const largest = known.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const write = numberWriter(known, values[0].length > 5 || largest < 1 ? 2 : 3); // what fits into a cell
  const table = element("div", "grid-cells");
  table.setAttribute("role", "grid");
  table.setAttribute("aria-label", title);
  table.style.setProperty("--columns", values[0].length);
  const entry = winner ?? [0, 0];
  values.forEach((line, row) => {
    const cells = line.map((value, column) => {
      const cell = gridCell(value, largest, write);
      cell.dataset.row = row;
      cell.dataset.column = column;
      cell.dataset.key = `cell-${number}-${row}-${column}`;
      cell.tabIndex = row === entry[0] && column === entry[1] ? 0 : -1;
      const won = winner !== null && row === winner[0] && column === winner[1];
      cell.classList.toggle("won", won);
      cell.setAttribute("aria-label", words(row, column) + (won ? `, ${winnerWords}` : ""));
      return cell;
    });
    const drawn = element("div", "grid-line", ...cells);
    drawn.setAttribute("role", "row");
    table.append(drawn);
  });
  gridFit(table, Math.max(...known.map((value) => write(value).length), 1));
  const caption = element("figcaption", "grid-title", title, element("small", "", note ?? ""));
  const figure = element("figure", "grid", caption, table);
  if (sum !== undefined) figure.append(element("p", "grid-sum", "Σ ", element("b", "", threeDigits(sum))));
  return figure;
}

function gridCell(value, largest, write) {
  const cell = element("span", "grid-cell");
  cell.setAttribute("role", "gridcell");
  if (value === null) {
    cell.classList.add("outside");
    return cell;
  }
  cell.classList.add(value < 0 ? "minus" : "plus");
  cell.style.setProperty("--heat", largest > 0 ? (Math.abs(value) / largest).toFixed(3) : 0);
  cell.textContent = write(value);
  return cell;
}

// Type as large as the cells allow; none where nobody could read it.
function gridFit(table, letters) {
  new ResizeObserver(() => {
    const room = table.clientWidth / Number(table.style.getPropertyValue("--columns"));
    const type = Math.min(parseFloat(getComputedStyle(table).fontSize), (room - 4) / (0.55 * letters));
    table.classList.toggle("bare", type < GRID_TYPE);
    table.style.setProperty("--type", `${type.toFixed(2)}px`);
  }).observe(table);
}

function gridMove(event, rows, columns) {
  const cell = event.target.closest(".grid-cell");
  if (!cell || hasModifier(event)) return;
  const [row, column] = [Number(cell.dataset.row), Number(cell.dataset.column)];
  const to = {
    ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], Home: [row, 0],
    ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], End: [row, columns - 1],
  }[event.key];
  if (!to) return;
  event.preventDefault();
  const table = cell.closest(".grid-cells");
  const next = table.children[clamp(to[0], 0, rows - 1)].children[clamp(to[1], 0, columns - 1)];
  cell.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function gridKey(tables, winner, winnerWords) {
  const values = tables.flatMap((table) => table.values.flat());
  const kinds = [
    [values.some((value) => value > 0), "plus", "positive"],
    [values.some((value) => value < 0), "minus", "negative"],
    [values.some((value) => value === null), "outside", "outside the picture"],
    [winner !== null, "won", winnerWords],
  ];
  const keys = kinds.filter(([there]) => there).map(([, name, words]) => {
    const swatch = element("span", `grid-swatch ${name}`);
    return element("span", "grid-key", swatch, words);
  });
  return element("p", "grid-keys", ...keys);
}

// What each kind of decision shows cell by cell. (row, column) is the place in the feature map that was looked at.
function gridPlace(grid, row, column) {
  const [down, across] = grid.step ?? [1, 1]; // wider where the filter is dilated
  return placeName(grid.corner[0] + row * down, grid.corner[1] + column * across);
}

export function gridWindow({ grid }) {
  const { activations, coefficients, products } = grid;
  const words = (row, column) => {
    const place = gridPlace(grid, row, column);
    if (activations[row][column] === null) return `${place}: outside the picture, contributes nothing`;
    const [a, c, p] = [activations, coefficients, products].map((table) => threeDigits(table[row][column]));
    return `${place}: ${a} × ${c} = ${p}`;
  };
  return gridPanel({
    tables: [
      { title: "Input", note: `channel ${grid.channel}`, values: activations },
      { title: "Filter", note: "its weights", values: coefficients },
      { title: "Product", note: "", values: products, sum: gridTotal(products) },
    ],
    operators: ["×", "="],
    words,
    winner: grid.winner,
    winnerWords: "the largest part of the evidence went here",
  });
}

export function gridMaximum({ grid }) {
  const { activations } = grid;
  const words = (row, column) => {
    const value = activations[row][column];
    return `${gridPlace(grid, row, column)}: ${value === null ? "outside the picture" : threeDigits(value)}`;
  };
  return gridPanel({
    tables: [{ title: "Window", note: `channel ${grid.channel}`, values: activations }],
    operators: [],
    words,
    winner: grid.winner,
    winnerWords: "taken",
  });
}

// How much each cell brings to the mean; the weights are all the same.
export function gridMean({ grid, value, terms }) {
  const { activations } = grid;
  const weight = (row, column) => grid.coefficients?.[row][column] ?? terms[0].coefficient;
  const words = (row, column) => {
    const place = gridPlace(grid, row, column);
    const cell = activations[row][column];
    if (cell === null) return `${place}: outside the picture`;
    const product = cell * weight(row, column);
    const share = value && product / value >= 0 ? `, ${percent(product / value)} of the value` : "";
    return `${place}: ${threeDigits(cell)} × ${threeDigits(weight(row, column))} = ${threeDigits(product)}${share}`;
  };
  return gridPanel({
    tables: [{ title: "Feature map", note: `channel ${grid.channel}`, values: activations }],
    operators: [],
    words,
    winner: grid.winner,
    winnerWords: "the largest part of the evidence went here",
  });
}

export function gridTotal(products) {
  return products.flat().reduce((sum, product) => sum + (product ?? 0), 0);
}
