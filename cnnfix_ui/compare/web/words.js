// What is at a place, in words that need little room.
import { percent } from "../../components/format.js";
import { rankAt, timesAt } from "./maps.js";

export function times(value) {
  if (value === 0) return "0";
  if (value < 0.05) return "< 0.1";
  return value >= 9.95 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

const signed = (value) => `${value < 0 ? "−" : "+"}${times(Math.abs(value))}`;

// map: of the cell; reference: that with which it is compared, in the views that compare.
export function placeRead(map, reference, { u, v }, view) {
  const here = timesAt(map, u, v);
  if (reference === map) reference = null;
  if (reference && view === "difference") {
    const there = timesAt(reference, u, v);
    return `${signed(here - there)} × average (${times(here)} against ${times(there)})`;
  }
  if (reference && view === "slider") {
    return `${times(here)} × average · reference ${times(timesAt(reference, u, v))} ×`;
  }
  return here > 0 ? `${times(here)} × average · among the strongest ${percent(rankAt(map, u, v))}` : "the map is 0 here";
}

export const STATES = {
  waiting: "Waiting", running: "Computing", stopped: "Stopped", failed: "Failed", unfit: "Does not fit", done: "",
};

export function cellWords(cell) {
  const progress = cell.state === "running" ? ` ${Math.round(100 * cell.progress)} %` : "";
  const parts = [`${cell.title}, ${cell.subtitle}`, `${STATES[cell.state]}${progress}`, cell.message, cell.note];
  return parts.filter(Boolean).join(". ");
}

export const boxWords = ([x0, y0, x1, y1]) => `x ${x0} to ${x1}, y ${y0} to ${y1}: ${x1 - x0 + 1} × ${y1 - y0 + 1} px`;
