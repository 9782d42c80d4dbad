// What is seen, in words and colours.
import { element } from "../../components/dom.js";
import { gradient } from "./paint.js";
import { times } from "./words.js";

function key(mark, ...words) {
  return element("span", "key", mark, element("span", "", ...words));
}

function swatch(className, background) {
  const node = element("span", `swatch ${className}`);
  if (background) node.style.background = background;
  return node;
}

function ramp(table, ticks) {
  const marks = element("span", "ticks", ...ticks.map((tick) => element("span", "", tick)));
  const long = swatch("long");
  long.style.backgroundImage = gradient(table); // over the sheet's grey
  return element("span", "ramp", long, marks);
}

const SCALE_KEYS = {
  area: ({ data }) => [
    element("span", "", data.legendText),
    ...[...data.bands].reverse().map(({ share, colour }) => key(swatch("", colour), `${Math.round(100 * share)} %`)),
    element("span", "", "same scale for all"),
  ],
  // Half way along it is a quarter: colours go by roots.
  density: ({ scale }) => [
    element("span", "", "Multiples of each map's average, same scale for all"),
    ramp(scale.table, ["0", times(scale.most / 4), `${times(scale.most)} ×`]),
  ],
  own: ({ scale }) => [
    element("strong", "warning", "Own maximum: brightness cannot be compared between cells"),
    ramp(scale.table, ["0", "¼", "own maximum"]),
  ],
  difference: ({ scale, titles }) => [
    element("span", "", `Each map minus the reference (${titles.whole}), in multiples of the average, same scale for all`),
    element(
      "span", "both", element("span", "", "less than the reference"),
      ramp(scale.table, [`−${times(scale.most)} ×`, "0", `+${times(scale.most)} ×`]),
      element("span", "", "more"),
    ),
  ],
};

function scaleKeys(app) {
  const { data, scale, reference, titles } = app;
  if (data.opacity <= 0) return [element("span", "", "Maps are hidden: their opacity is 0")];
  if (data.view === "difference" && !reference) {
    return [element("span", "", `The reference, ${titles.whole}, is not ready yet`)];
  }
  const keys = SCALE_KEYS[scale.kind](app);
  if (data.view !== "slider") return keys;
  const words = reference
    ? `Left of the divider: the reference, ${titles.whole}. Right of it: each cell's own map.`
    : `The reference, ${titles.whole}, is not ready yet.`;
  return [...keys, element("span", "sentence", words)];
}

function markKeys({ data, marks }) {
  const all = [...data.pinned, ...data.cells];
  const keys = [];
  const apart = data.view === "difference";
  if (data.show_points && !apart && all.some(({ points }) => points.length)) {
    keys.push(key(swatch("dot"), "Fixation: bigger dot, more evidence"));
  }
  if (marks.any("boxes")) keys.push(key(swatch("truth-box"), "Ground truth box"));
  if (data.show_boxes && !apart && all.some(({ box }) => box)) {
    keys.push(key(swatch("method-box"), "Box found by the method"));
  }
  if (!apart && all.some(({ cut }) => cut)) keys.push(key(swatch("cut-line"), "Cut out from the map"));
  if (marks.any("strokes")) keys.push(key(swatch("brush-mark"), "Brushed over"));
  return keys;
}

export function createLegend() {
  const scale = element("div", "keys");
  const marks = element("div", "keys");
  let last = "";
  return {
    node: element("div", "legend", scale, marks),
    update: (app) => {
      scale.replaceChildren(...scaleKeys(app));
      const keys = markKeys(app);
      const now = keys.map((node) => node.textContent).join();
      if (now !== last) marks.replaceChildren(...keys);
      last = now;
    },
  };
}
