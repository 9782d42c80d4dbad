// The walks of a playback as arrays, and where each point is while it moves from one step to another.
import { bytesOf, mix } from "../../components/numbers.js";

const NO_CLOUD = { first: 0, count: 0 };
const NO_PLACE = 65535; // as row and column

const numbers = (Kind, text) => new Kind(bytesOf(text).buffer);

// Places as parts of the photo, evidence as parts of the score's.
export function readWalk(walk) {
  const evidence = numbers(Float32Array, walk.evidence);
  const { first, count } = walk.clouds[walk.steps[0].cloud];
  const whole = evidence.subarray(first, first + count).reduce((sum, value) => sum + value, 0);
  return {
    title: walk.title,
    steps: walk.steps,
    clouds: walk.clouds,
    x: Float32Array.from(numbers(Uint16Array, walk.x), (value) => value / 65535),
    y: Float32Array.from(numbers(Uint16Array, walk.y), (value) => value / 65535),
    row: numbers(Uint16Array, walk.row),
    column: numbers(Uint16Array, walk.column),
    share: evidence.map((value) => value / whole),
    radius: evidence.map((value) => Math.sqrt(value / whole)), // areas stand for evidence
    parent: numbers(Int32Array, walk.parent),
    placed: walk.steps.findIndex(({ cloud, size: places }) => cloud >= 0 && places.length),
  };
}

// For each point which part of its evidence is on the chosen line.
export function readLit(walk, lit) {
  const shares = new Float32Array(walk.share.length);
  for (const [cloud, text] of Object.entries(lit)) {
    shares.set(numbers(Uint8Array, text), walk.clouds[cloud].first);
  }
  return shares.map((value) => value / 255);
}

// What is drawn at a step: nothing as long as the walk is in layers without places.
export const cloudOf = (walk, step) => (step < walk.placed ? NO_CLOUD : walk.clouds[walk.steps[step].cloud] ?? NO_CLOUD);

// For each point of the lower step the point of the upper one that it came from, and the upper ones that end here.
export function linksOf(walk, upper, lower) {
  const above = cloudOf(walk, upper);
  const below = cloudOf(walk, lower);
  const origin = new Int32Array(below.count);
  const goesOn = new Uint8Array(above.count);
  for (let n = 0; n < below.count; n++) {
    let point = below.first + n;
    while (point >= above.first + above.count) point = walk.parent[point]; // parents have smaller numbers
    origin[n] = point >= above.first ? point : -1;
    if (origin[n] >= 0) goesOn[point - above.first] = 1;
  }
  const ended = [];
  goesOn.forEach((on, n) => { if (!on) ended.push(above.first + n); });
  return { above, below, origin, ended };
}

// The discs of one picture of the playback, weakest first, so that the strongest lie on top.
// t: 0 at the upper step, 1 at the lower. lit: for a point which part of it is on the chosen line.
export function discsOf(walk, links, t, lit) {
  const discs = [];
  const { below, origin, ended } = links;
  const at = (point, alpha) => ({
    x: walk.x[point], y: walk.y[point], radius: walk.radius[point], alpha, lit: lit(point), point,
  });
  if (t < 1) for (const point of ended) discs.push(at(point, 1 - t));
  for (let n = below.count - 1; n >= 0; n--) {
    const disc = at(below.first + n, origin[n] < 0 ? t : 1);
    const from = origin[n];
    if (from >= 0 && t < 1) {
      disc.x = mix(walk.x[from], disc.x, t);
      disc.y = mix(walk.y[from], disc.y, t);
      disc.radius = mix(walk.radius[from], disc.radius, t);
      disc.lit = mix(lit(from), disc.lit, t);
    }
    discs.push(disc);
  }
  return discs;
}

export function nearestPoint(walk, step, distance, reach) {
  const { first, count } = cloudOf(walk, step);
  let best = -1;
  let least = reach;
  for (let point = first; point < first + count; point++) {
    const away = distance(walk.x[point], walk.y[point], walk.radius[point]);
    if (away < least) [best, least] = [point, away];
  }
  return best;
}

// The next point in a direction: near ones ahead rather than those to the side.
export function pointTowards(walk, step, from, [right, down], ratio) {
  const ahead = (x, y) => {
    const across = (x - walk.x[from]) * ratio;
    const along = across * right + (y - walk.y[from]) * down;
    const aside = Math.abs(across * down) + Math.abs((y - walk.y[from]) * right);
    return along > 1e-4 ? along + 2 * aside : Infinity;
  };
  const found = nearestPoint(walk, step, ahead, Infinity);
  return found < 0 ? from : found;
}

// As `place_name` in Python.
export const placeName = (row, column) => `row ${row}, column ${column}`.replaceAll("-", "−");

export function placeWords(walk, step, point) {
  if (walk.column[point] === NO_PLACE) return "Without a place of its own, drawn where its pixels lie";
  const [rows, columns] = walk.steps[step].size;
  const place = placeName(walk.row[point], walk.column[point]);
  return `${place[0].toUpperCase()}${place.slice(1)} of ${rows === columns ? rows : `${rows} × ${columns}`}`;
}
