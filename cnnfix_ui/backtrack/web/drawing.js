// How points and receptive fields look on the photograph, whatever the theme.
import { POINT } from "../../components/colours.js";
import { clamp, mix } from "../../components/numbers.js";

const OFF_LINE = "rgb(214 220 226 / 0.5)";
const SMALLEST = 1.6; // CSS pixels, so that weak points can be seen

export const fullRadius = (size) => clamp(0.075 * Math.min(size.width, size.height), 16, 44);

export function drawDiscs(pen, discs, size, following) {
  const full = fullRadius(size);
  const disc = ({ x, y }, radius, fill, edge) => {
    pen.beginPath();
    pen.arc(x * size.width, y * size.height, radius, 0, 2 * Math.PI);
    pen.fillStyle = fill;
    pen.fill();
    if (!edge || radius < 2) return;
    pen.strokeStyle = edge;
    pen.stroke();
  };
  pen.lineWidth = 1;
  for (const one of discs) {
    pen.globalAlpha = one.alpha;
    const radius = Math.max(SMALLEST, full * one.radius);
    disc(one, radius, following ? OFF_LINE : POINT.fill, following ? "" : POINT.edge);
  }
  if (following) { // as much of each disc as is on the line; where that is too small to be seen, paler
    const most = Math.max(...discs.map(({ lit }) => lit), 1e-6);
    for (const one of discs) {
      if (!one.lit) continue;
      const radius = full * one.radius * Math.sqrt(one.lit);
      pen.globalAlpha = one.alpha * (radius < SMALLEST ? 0.2 + 0.8 * (one.lit / most) : 1);
      disc(one, Math.max(SMALLEST, radius), POINT.fill, POINT.edge);
    }
  }
  pen.globalAlpha = 1;
}

export function drawRing(pen, x, y, radius, size, strong) {
  const reach = Math.max(SMALLEST, fullRadius(size) * radius) + (strong ? 5 : 4);
  for (const [colour, width] of [[POINT.edge, strong ? 5.5 : 4], ["#fff", strong ? 2.5 : 1.5]]) {
    pen.beginPath();
    pen.arc(x * size.width, y * size.height, reach, 0, 2 * Math.PI);
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.stroke();
  }
}

// What each disc looks at, and the square that is its own; nothing outside of what the network sees.
export function drawFields(pen, discs, field, cell, view, size) {
  const [x0, y0, x1, y1] = [view[0] * size.width, view[1] * size.height, view[2] * size.width, view[3] * size.height];
  pen.save();
  pen.beginPath();
  pen.rect(x0, y0, x1 - x0, y1 - y0);
  pen.clip();
  for (const { x, y, alpha } of discs) {
    const box = ([width, height]) => {
      const left = Math.max(x0, (x - width / 2) * size.width);
      const top = Math.max(y0, (y - height / 2) * size.height);
      const right = Math.min(x1, (x + width / 2) * size.width);
      const bottom = Math.min(y1, (y + height / 2) * size.height);
      return [left, top, right - left, bottom - top];
    };
    pen.globalAlpha = alpha;
    pen.fillStyle = "rgb(25 227 255 / 0.22)";
    pen.fillRect(...box(cell));
    for (const [colour, width] of [["rgb(6 34 43 / 0.7)", 3], [POINT.fill, 1.25]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.strokeRect(...box(field));
    }
  }
  pen.restore();
}

// While a playback moves from one step to another: sizes in between, if both steps have one.
export function sizeBetween(upper, lower, t) {
  if (!upper || !lower) return (t < 0.5 ? upper : lower) ?? null;
  return [mix(upper[0], lower[0], t), mix(upper[1], lower[1], t)];
}
