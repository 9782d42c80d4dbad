// Boxes and strokes over a cell, as vectors in pixels of the photograph.
import { svgElement } from "../../components/dom.js";

const shape = (name, className, attributes = {}) => svgElement(name, { class: className, ...attributes });

// Dark below, so that it can be seen on anything.
function boxShapes(kind, [x0, y0, x1, y1]) {
  const place = { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
  return [shape("rect", `halo ${kind}`, place), shape("rect", `edge ${kind}`, place)];
}

// Lines without length have round or square ends: handles that do not grow with the zoom.
function handles([x0, y0, x1, y1]) {
  const corners = [[x0, y0], [x1 + 1, y0], [x0, y1 + 1], [x1 + 1, y1 + 1]];
  const d = corners.map(([x, y]) => `M${x} ${y}h0`).join("");
  return [shape("path", "handle under", { d }), shape("path", "handle", { d })];
}

const discs = (strokes) =>
  strokes.map(([x, y, r]) => `M${x - r} ${y}a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1 ${-2 * r} 0z`).join("");

// Dark below, as a box; its path is in places of its own.
function cutShapes({ columns, rows, path }, width, height) {
  const transform = `scale(${width / columns} ${height / rows})`;
  return [shape("path", "halo cut", { d: path, transform }), shape("path", "edge cut", { d: path, transform })];
}

export function createOverlay() {
  const brushed = shape("path", "brushed");
  const boxes = shape("g", "boxes");
  const svg = shape("svg", "marks", { preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(brushed, boxes);
  let last = "";
  return {
    svg,
    // marks: {truth, box, cut, strokes, selected}, in pixels; box and cut: the method's or null; selected: number of a
    // box, or -1.
    draw: ({ width, height }, { zoom, x, y }, marks) => {
      svg.setAttribute("viewBox", `${x * width} ${y * height} ${width / zoom} ${height / zoom}`);
      const now = JSON.stringify(marks);
      if (now === last) return;
      last = now;
      brushed.setAttribute("d", discs(marks.strokes));
      boxes.replaceChildren(
        ...(marks.cut ? cutShapes(marks.cut, width, height) : []),
        ...(marks.box ? boxShapes("method", marks.box) : []),
        ...marks.truth.flatMap((box, n) => boxShapes(n === marks.selected ? "truth selected" : "truth", box)),
        ...(marks.truth[marks.selected] ? handles(marks.truth[marks.selected]) : []),
      );
    },
  };
}
