// Brushing: circles along the pointer's way, in pixels of the original picture.
const MOST_CIRCLES = 400;
const SPACING = 0.4; // of the radius, from one circle to the next

const tenth = (value) => Math.round(10 * value) / 10;

// Fewer circles, further apart, until there are at most so many.
function thinned(circles, most = MOST_CIRCLES) {
  let kept = circles;
  for (let spacing = SPACING; kept.length > most; spacing *= 1.25) {
    kept = [];
    for (const circle of circles) {
      const [x, y, radius] = circle;
      const covered = kept.some(([kx, ky, kr]) => kr >= 0.9 * radius && Math.hypot(kx - x, ky - y) < spacing * kr);
      if (!covered) kept.push(circle);
    }
  }
  return kept;
}

// Circles from a place to the next, so that quick moves leave no gaps.
function along(from, to, radius) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const steps = Math.floor(Math.hypot(dx, dy) / (SPACING * radius));
  return Array.from({ length: steps }, (_, n) => {
    const part = (n + 1) / steps;
    return [tenth(from[0] + part * dx), tenth(from[1] + part * dy), radius];
  });
}

export function brushGesture(app, cell, start) {
  const key = cell.strokes();
  const radius = app.data.brush;
  const items = app.marks.settled("strokes", key);
  const fresh = [[tenth(start.x), tenth(start.y), radius]];
  const show = () => app.marks.draft("strokes", key, [...items, ...fresh]);
  show();
  return {
    move: (spot) => {
      fresh.push(...along(fresh.at(-1), [spot.x, spot.y], radius));
      show();
    },
    end: () => app.marks.put("strokes", key, thinned([...items, ...fresh])),
    cancel: () => app.marks.drop(),
  };
}

// One circle at the cursor, for the keyboard.
export function dab(app, cell) {
  const key = cell.strokes();
  const { width, height } = cell.photo();
  const { u, v } = app.cursor;
  const circle = [tenth(u * width), tenth(v * height), app.data.brush];
  app.marks.put("strokes", key, thinned([...app.marks.settled("strokes", key), circle]));
  app.tell("Brushed over this place");
}
