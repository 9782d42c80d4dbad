// The canvases of a cell. They are drawn again only when what they show has changed.
import { POINT } from "../../components/colours.js";
import { element } from "../../components/dom.js";
import { clamp } from "../../components/numbers.js";
import { enlarge } from "./maps.js";

const DENSEST = 2; // canvas pixels a CSS pixel

export const NO_POINTS = [];

let valuesOfMap = new Float32Array(0); // shared by all canvases, one is drawn at a time
let valuesOfOther = new Float32Array(0);

const density = () => Math.min(DENSEST, window.devicePixelRatio || 1);

// draw(map, {view, scale, reference}): map and reference as readMap gives them, or null.
export function createMapLayer(className) {
  const canvas = element("canvas", `map ${className}`);
  let last = null;
  const same = (now) => last && now.every((value, n) => value === last[n]);
  return {
    canvas,
    // Says whether it had to draw.
    draw: (map, { view, scale, reference }, [across, down]) => {
      const [width, height] = [Math.round(across * density()), Math.round(down * density())];
      const wanted = scale.compares ? reference && map : map;
      const other = scale.compares ? reference : null;
      const now = [map, other, width, height, view.zoom, view.x, view.y, scale.kind, scale.most];
      if (same(now)) return false;
      last = now;
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      const pen = canvas.getContext("2d");
      if (!wanted || !width || !height) {
        pen.clearRect(0, 0, width, height);
        return true;
      }
      const picture = pen.createImageData(width, height);
      const size = width * height;
      if (valuesOfMap.length < size) [valuesOfMap, valuesOfOther] = [new Float32Array(size), new Float32Array(size)];
      enlarge(map, view, width, height, valuesOfMap);
      if (scale.compares) enlarge(reference, view, width, height, valuesOfOther);
      scale.paint(map, valuesOfMap, valuesOfOther, new Uint32Array(picture.data.buffer));
      pen.putImageData(picture, 0, 0);
      return true;
    },
  };
}

// points: [[x, y, evidence], ...] in pixels of the photograph, the strongest first; its area stands for its evidence.
export function createPointLayer() {
  const canvas = element("canvas", "points");
  let last = "";
  let shown = null;
  const draw = (points, photo, view, [across, down]) => {
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(across * scale);
    canvas.height = Math.round(down * scale);
    if (!points.length) return;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    pen.fillStyle = POINT.fill;
    pen.strokeStyle = POINT.edge;
    pen.lineWidth = 0.75;
    const largest = clamp(across / 90, 2.25, 6) * Math.min(2, Math.sqrt(view.zoom));
    for (let n = points.length - 1; n >= 0; n--) {
      const [x, y, evidence] = points[n];
      const left = ((x + 0.5) / photo.width - view.x) * view.zoom * across;
      const top = ((y + 0.5) / photo.height - view.y) * view.zoom * down;
      if (left < -9 || top < -9 || left > across + 9 || top > down + 9) continue;
      const radius = largest * Math.max(0.2, Math.sqrt(evidence / points[0][2]));
      pen.beginPath();
      pen.arc(left, top, radius, 0, 2 * Math.PI);
      pen.fill();
      if (radius > 1.5) pen.stroke();
    }
  };
  return {
    canvas,
    draw: (points, photo, view, size) => {
      const now = [size, Object.values(view), photo.key].join(" ");
      if (now === last && points === shown) return;
      [last, shown] = [now, points];
      draw(points, photo, view, size);
    },
  };
}
