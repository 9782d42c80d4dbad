// One walk's points over the photograph.
import { ARROWS, element, hasModifier } from "../../components/dom.js";
import { count, percent } from "../../components/format.js";
import { drawDiscs, drawFields, drawRing, fullRadius, sizeBetween } from "./drawing.js";
import { cloudOf, discsOf, linksOf, nearestPoint, placeWords, pointTowards } from "./points.js";
import { showsMap } from "./below.js";
import { stepName } from "./transport.js";

const NEAR = 14; // CSS pixels between pointer and point
const NEAR_FINGER = 22;
const STRONGEST_FIELDS = 12;

// follows: whether a line can be followed in this walk. read: called when another point is looked at.
export function createStage(playback, walk, view, { follows, titled, act, read }) {
  const photo = element("img", "photo");
  photo.src = playback.photo;
  photo.alt = ""; // the stage says it
  const last = element("img", "last");
  last.alt = "";
  if (playback.end) last.src = playback.end.map;
  const overlay = element("canvas", "map");
  const canvas = element("canvas", "points");
  const absent = element("p", "absent");
  const laid = element("p", "laid");
  laid.setAttribute("aria-live", "polite");
  const stage = element("div", "stage", photo, last, overlay, seenPart(playback), canvas, absent, laid);
  stage.style.setProperty("--ratio", playback.ratio);
  stage.tabIndex = 0;
  stage.setAttribute("role", "application"); // so that screen readers leave it the arrow keys
  stage.setAttribute("aria-roledescription", "picture with points");
  const node = element("figure", "walk", stage);
  if (titled) node.prepend(element("figcaption", "", walk.title));

  const pen = canvas.getContext("2d");
  const size = { width: 1, height: 1 };
  let focus = -1;
  let links = null;
  let linked = "";

  const paint = () => {
    const { upper, lower, t } = view.scene;
    if (linked !== `${upper}-${lower}`) {
      links = linksOf(walk, upper, lower);
      linked = `${upper}-${lower}`;
    }
    stage.classList.toggle("ended", showsMap(playback, view));
    const following = follows && view.chosen !== null && view.lit !== null; // until it is known: as before
    const discs = discsOf(walk, links, t, following ? (point) => view.lit[point] : () => 0);
    pen.clearRect(0, 0, size.width, size.height);
    if (view.fields) {
      const field = sizeBetween(walk.steps[upper].field, walk.steps[lower].field, t);
      const cell = sizeBetween(walk.steps[upper].cell, walk.steps[lower].cell, t);
      if (field) drawFields(pen, fieldsOf(discs), field, cell ?? [0, 0], playback.view, size);
    }
    drawDiscs(pen, discs, size, following);
    for (const [point, strong] of [[focus, false], [follows ? view.current : -1, false], [chosenPoint(), true]]) {
      const disc = discs.find((one) => one.point === point);
      if (disc) drawRing(pen, disc.x, disc.y, disc.radius, size, strong);
    }
  };
  const chosenPoint = () => (follows ? view.chosen?.point ?? -1 : -1);
  const fieldsOf = (discs) => {
    const looked = discs.filter(({ point }) => point === focus || point === chosenPoint());
    return looked.length ? looked : discs.slice(-STRONGEST_FIELDS);
  };

  const lookAt = (point) => {
    if (point === focus) return;
    focus = point;
    stage.classList.toggle("near", point >= 0);
    read();
    paint();
  };
  const here = (point) => {
    const { first, count } = cloudOf(walk, view.step);
    return point >= first && point < first + count;
  };
  const pointAt = (event) => {
    const box = stage.getBoundingClientRect();
    const scale = box.width / stage.clientWidth;
    const [px, py] = [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
    // Within a disc is as good as at its centre.
    const away = (x, y, radius) => {
      const distance = Math.hypot(x * size.width - px, y * size.height - py);
      return distance < fullRadius(size) * radius ? Math.min(distance, 1) + distance / 1000 : distance;
    };
    return nearestPoint(walk, view.step, away, event.pointerType === "touch" ? NEAR_FINGER : NEAR);
  };
  stage.onpointermove = (event) => { if (!view.moving) lookAt(pointAt(event)); };
  stage.onpointerleave = () => lookAt(-1);
  stage.onblur = () => lookAt(-1);
  stage.onmousedown = (event) => { // after a click the arrow keys step through the playback; Tab leads into the stage
    event.preventDefault();
    stage.closest(".frame").focus({ preventScroll: true });
  };
  stage.onclick = (event) => {
    const point = view.moving ? -1 : pointAt(event);
    lookAt(point);
    if (follows) act.choose(point < 0 ? null : { step: view.step, walk: 0, point });
  };
  stage.onkeydown = (event) => {
    const { first, count } = cloudOf(walk, view.step);
    if (hasModifier(event) || !count) return;
    if (event.key in ARROWS) {
      const from = [focus, chosenPoint()].find(here);
      lookAt(from === undefined ? first : pointTowards(walk, view.step, from, ARROWS[event.key], playback.ratio));
    } else if (event.key === "Enter" && focus >= 0) {
      if (follows) act.choose({ step: view.step, walk: 0, point: focus });
    } else return;
    event.preventDefault();
  };

  const observer = new ResizeObserver(() => {
    size.width = stage.clientWidth;
    size.height = stage.clientHeight;
    const scale = ((window.devicePixelRatio || 1) * stage.getBoundingClientRect().width) / size.width;
    canvas.width = Math.round(size.width * scale);
    canvas.height = Math.round(size.height * scale);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    paint();
  });
  observer.observe(stage);

  const update = () => {
    if (!here(focus)) focus = -1;
    const { places, cloud, elements } = walk.steps[view.step];
    const drawn = cloudOf(walk, view.step).count > 0;
    absent.hidden = drawn;
    absent.textContent = cloud < 0 ? "This walk does not pass through here."
      : `${elements === 1 ? "One number" : `${elements.toLocaleString("en")} numbers`}, without a place in the picture yet.`;
    stage.classList.toggle("ended", showsMap(playback, view));
    stage.setAttribute("aria-label", `${walk.title} at ${stepName(playback.steps[view.step])}: `
      + `${count(drawn ? places : 0, "place")} on the picture`);
    stage.setAttribute("aria-description", `Arrow keys go from place to place${
      follows ? ", Enter follows its line, Escape stops following" : ""}`);
  };
  const lay = (map, extent, label) => {
    laid.textContent = label;
    layMap(overlay, map, extent);
  };
  lay(null, null, "");
  const looked = () =>
    (focus < 0 ? "" : `${placeWords(walk, view.step, focus)}: ${percent(walk.share[focus])} of the evidence.`);
  return { node, paint, update, lay, looked, stop: () => observer.disconnect() };
}

// A window with a wide shadow: shaded is what the network does not see.
function seenPart({ view: [x0, y0, x1, y1] }) {
  const node = element("div", "seen");
  Object.assign(node.style, {
    left: `${100 * x0}%`, top: `${100 * y0}%`, width: `${100 * (x1 - x0)}%`, height: `${100 * (y1 - y0)}%`,
  });
  return node;
}

function layMap(canvas, map, extent) {
  canvas.hidden = !map;
  if (!map) return;
  canvas.width = map.width;
  canvas.height = map.height;
  canvas.getContext("2d").drawImage(map, 0, 0);
  const [x0, y0, x1, y1] = extent;
  Object.assign(canvas.style, {
    left: `${100 * x0}%`, top: `${100 * y0}%`, width: `${100 * (x1 - x0)}%`, height: `${100 * (y1 - y0)}%`,
  });
}
