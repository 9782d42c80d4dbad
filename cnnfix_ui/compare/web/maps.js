// Maps as Python sends them, and what can be read off them. Byte v means top * (v / 255)² times the map's average.
import { bytesOf, clamp } from "../../components/numbers.js";
import { WHOLE } from "./view.js";

export function readMap({ columns, rows, values, top }) {
  const bytes = bytesOf(values);
  const times = Float32Array.from(bytes, (byte) => top * (byte / 255) ** 2);
  const stronger = new Uint32Array(257); // how many places there are of each byte or above
  for (const byte of bytes) stronger[byte]++;
  for (let byte = 254; byte >= 0; byte--) stronger[byte] += stronger[byte + 1];
  return { columns, rows, top, bytes, times, stronger };
}

// The values down to which the smallest areas with these shares of the map reach; Infinity for a map of zeros.
export function floorsOf({ bytes, top, stronger }, shares) {
  const value = (byte) => top * (byte / 255) ** 2;
  const places = (byte) => stronger[byte] - (byte < 255 ? stronger[byte + 1] : 0);
  let total = 0;
  for (let byte = 255; byte > 0; byte--) total += places(byte) * value(byte);
  if (!bytes.length || !total) return shares.map(() => Infinity);
  return shares.map((share) => {
    let held = 0;
    let byte = 256;
    while (byte > 1 && held < share * total * (1 - 1e-9)) {
      byte--;
      held += places(byte) * value(byte);
    }
    return value(byte) * (1 - 1e-6); // enlarging may round
  });
}

const placeOf = ({ columns, rows }, u, v) =>
  Math.min(rows - 1, Math.floor(v * rows)) * columns + Math.min(columns - 1, Math.floor(u * columns));

export const timesAt = (map, u, v) => map.times[placeOf(map, u, v)];

// Which part of the picture's places is at least as strong as this one.
export const rankAt = (map, u, v) => map.stronger[map.bytes[placeOf(map, u, v)]] / map.bytes.length;

// The part of the map in view, bilinearly, into a picture of this size, row by row.
export function enlarge(map, view, width, height, into) {
  const across = samples(map.columns, view.x, view.zoom, width);
  const down = samples(map.rows, view.y, view.zoom, height);
  const { columns, times } = map;
  const line = new Float32Array(columns);
  for (let y = 0, n = 0; y < height; y++) {
    const upper = down.first[y] * columns;
    const lower = down.second[y] * columns;
    const weight = down.weight[y];
    for (let x = 0; x < columns; x++) line[x] = times[upper + x] + weight * (times[lower + x] - times[upper + x]);
    for (let x = 0; x < width; x++, n++) {
      const left = line[across.first[x]];
      into[n] = left + across.weight[x] * (line[across.second[x]] - left);
    }
  }
  return into;
}

// For each pixel the two places between whose middles its own lies, and how far it is towards the second.
function samples(places, start, zoom, pixels) {
  const first = new Int32Array(pixels);
  const second = new Int32Array(pixels);
  const weight = new Float32Array(pixels);
  for (let n = 0; n < pixels; n++) {
    const at = clamp((start + (n + 0.5) / pixels / zoom) * places - 0.5, 0, places - 1);
    first[n] = Math.floor(at);
    second[n] = Math.min(places - 1, first[n] + 1);
    weight[n] = at - first[n];
  }
  return { first, second, weight };
}

// How far two maps are apart where they are furthest apart, in multiples of their averages.
export function furthest(map, other) {
  const fitted = enlarge(other, WHOLE, map.columns, map.rows, new Float32Array(map.times.length));
  let most = 0;
  for (let n = 0; n < fitted.length; n++) most = Math.max(most, Math.abs(map.times[n] - fitted[n]));
  return most;
}
