// Drawing boxes: whole pixels of the original picture, both ends included.
import { clamp } from "../../components/numbers.js";
import { boxWords } from "./words.js";

const REACH = 8; // CSS pixels around an edge
const REACH_FINGER = 18;
const SMALLEST_DRAG = 4; // CSS pixels; less is a click

const between = (a, b) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];

const without = (items, number) => items.filter((_, n) => n !== number);
const replaced = (items, number, item) => items.map((one, n) => (n === number ? item : one));

// The box whose edge or inside is there: {number, sides: [x, y], each -1, 0 or 1}; sides 0, 0: inside. Or null.
export function boxAt(boxes, spot, pixelsWide, pixelsHigh) {
  const reach = spot.finger ? REACH_FINGER : REACH;
  const side = (low, high, at, unit) => {
    const [toLow, toHigh] = [Math.abs(at - low) * unit, Math.abs(at - high) * unit];
    if (Math.min(toLow, toHigh) > reach) return 0;
    return toLow < toHigh ? -1 : 1;
  };
  const inside = (low, high, at, unit) => at > low - reach / unit && at < high + reach / unit;
  let within = null;
  for (let number = boxes.length - 1; number >= 0; number--) {
    const [x0, y0, x1, y1] = boxes[number];
    if (!inside(x0, x1 + 1, spot.x, pixelsWide) || !inside(y0, y1 + 1, spot.y, pixelsHigh)) continue;
    const sides = [side(x0, x1 + 1, spot.x, pixelsWide), side(y0, y1 + 1, spot.y, pixelsHigh)];
    if (sides[0] || sides[1]) return { number, sides };
    within ??= { number, sides };
  }
  return within;
}

export const boxCursor = (hit, chosen) => {
  if (!hit) return "crosshair";
  const [x, y] = hit.sides;
  if (!x && !y) return chosen ? "move" : "crosshair";
  if (!x || !y) return x ? "ew-resize" : "ns-resize";
  return x === y ? "nwse-resize" : "nesw-resize";
};

// A box with one or two of its sides, or all of it, moved by so many pixels; within the picture.
function movedBox([x0, y0, x1, y1], [across, down], dx, dy, photo) {
  const shift = (low, high, side, by, size) => {
    if (!side) return [low, high];
    const [from, stays] = side < 0 ? [low, high] : [high, low];
    return [clamp(from + by, 0, size - 1), stays].sort((a, b) => a - b);
  };
  if (!across && !down) {
    const [sx, sy] = [clamp(dx, -x0, photo.width - 1 - x1), clamp(dy, -y0, photo.height - 1 - y1)];
    return [x0 + sx, y0 + sy, x1 + sx, y1 + sy];
  }
  const [left, right] = shift(x0, x1, across, dx, photo.width);
  const [top, bottom] = shift(y0, y1, down, dy, photo.height);
  return [left, top, right, bottom];
}

// What a drag with the box tool does: {move(spot), end(), cancel()}.
export function boxGesture(app, cell, start) {
  const { marks } = app;
  const photo = cell.photo();
  const key = cell.truth();
  const items = marks.settled("boxes", key);
  const hit = boxAt(items, start, cell.pixelWide(), cell.pixelHigh());
  const chosen = marks.selected?.key === key ? marks.selected.number : -1;
  const edges = hit && (hit.sides[0] || hit.sides[1]);
  const changes = hit && (edges || hit.number === chosen);
  const select = (number) => {
    marks.selected = number < 0 ? null : { key, number };
    app.redraw();
  };
  if (edges) select(hit.number);
  let moved = false;
  let result = items;
  return {
    move: (spot) => {
      moved ||= Math.hypot(spot.left - start.left, spot.top - start.top) >= SMALLEST_DRAG;
      if (!moved) return;
      if (changes) {
        const by = [Math.round(spot.x - start.x), Math.round(spot.y - start.y)];
        result = replaced(items, hit.number, movedBox(items[hit.number], hit.sides, ...by, photo));
      } else {
        result = [...items, between(start.pixel, spot.pixel)];
        select(items.length);
      }
      app.tell(boxWords(result[changes ? hit.number : items.length]));
      marks.draft("boxes", key, result);
    },
    end: () => {
      if (moved) marks.put("boxes", key, result);
      else select(hit?.number ?? -1);
    },
    cancel: () => {
      select(-1);
      marks.drop();
    },
  };
}

// Enter, arrow keys, Enter. Follows the cursor until it ends.
export function keyedBox(app, cell) {
  const key = cell.truth();
  const items = app.marks.settled("boxes", key);
  const start = cell.pixelAt(app.cursor);
  app.marks.selected = { key, number: items.length };
  const drawn = () => [...items, between(start, cell.pixelAt(app.cursor))];
  const follow = () => {
    app.marks.draft("boxes", key, drawn());
    app.tell(boxWords(drawn().at(-1)));
  };
  follow();
  return {
    cell,
    follow,
    end: () => {
      app.marks.put("boxes", key, drawn());
      app.tell(`Box drawn: ${boxWords(drawn().at(-1))}`);
    },
    cancel: () => {
      app.marks.selected = null;
      app.marks.drop();
    },
  };
}

export function removeBox(app, key, number) {
  app.marks.selected = null;
  app.marks.put("boxes", key, without(app.marks.settled("boxes", key), number));
  app.tell("Box removed");
}

export function selectNextBox(app, cell) {
  const key = cell.truth();
  const items = app.marks.settled("boxes", key);
  if (!items.length) return;
  const last = app.marks.selected?.key === key ? app.marks.selected.number : -1;
  const number = (last + 1) % items.length;
  app.marks.selected = { key, number };
  app.tell(`Box ${number + 1} of ${items.length}, ${boxWords(items[number])}`);
  app.redraw();
}
