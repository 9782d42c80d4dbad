// Which part of the pictures is in view, the same in all cells: {zoom, x, y}, x and y of the upper left corner in parts
// of the picture.
import { clamp } from "../../components/numbers.js";

export const WHOLE = { zoom: 1, x: 0, y: 0 };
export const MOST_ZOOM = 12;
export const ONE_STEP = 1.4;

export function within({ zoom, x, y }) {
  return { zoom, x: clamp(x, 0, 1 - 1 / zoom), y: clamp(y, 0, 1 - 1 / zoom) };
}

// What lies at (u, v) stays where it is.
export function zoomedAbout(view, factor, { u, v }) {
  const zoom = clamp(view.zoom * factor, 1, MOST_ZOOM);
  const kept = view.zoom / zoom;
  return within({ zoom, x: u - (u - view.x) * kept, y: v - (v - view.y) * kept });
}

export const middleOf = ({ zoom, x, y }) => ({ u: x + 0.5 / zoom, v: y + 0.5 / zoom });

// Moved just so far that (u, v) is in view.
export function showing(view, { u, v }) {
  const seen = 1 / view.zoom;
  return within({ zoom: view.zoom, x: clamp(view.x, u - seen, u), y: clamp(view.y, v - seen, v) });
}

// Two fingers: what was between them stays between them.
export function pinched(view, from, to) {
  const zoom = clamp((view.zoom * to.apart) / Math.max(1, from.apart), 1, MOST_ZOOM);
  const u = view.x + from.across / view.zoom;
  const v = view.y + from.down / view.zoom;
  return within({ zoom, x: u - to.across / zoom, y: v - to.down / zoom });
}
