// Mouse, pen and fingers over a cell.
import { clamp } from "../../components/numbers.js";
import { boxAt, boxCursor, boxGesture } from "./boxes.js";
import { brushGesture } from "./brush.js";
import { pinched, WHOLE, within, zoomedAbout } from "./view.js";

const WHEEL = 0.0022; // zoom a pixel of wheel

const spread = ([a, b], stage) => {
  const box = stage.getBoundingClientRect();
  return {
    apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    across: ((a.clientX + b.clientX) / 2 - box.left) / box.width,
    down: ((a.clientY + b.clientY) / 2 - box.top) / box.height,
  };
};

// Where an event is: in the cell (CSS pixels), in parts of the picture, in its pixels (spot.pixel: whole ones).
function spotOf(event, app, cell) {
  const box = cell.stage.getBoundingClientRect();
  const [left, top] = [event.clientX - box.left, event.clientY - box.top];
  const u = app.view.x + left / box.width / app.view.zoom;
  const v = app.view.y + top / box.height / app.view.zoom;
  const { width, height } = cell.photo();
  const finger = event.pointerType === "touch";
  return { left, top, u, v, x: u * width, y: v * height, pixel: cell.pixelAt({ u, v }), finger };
}

function panGesture(app, cell, start) {
  const from = app.view;
  return {
    move: ({ left, top }) => {
      const { clientWidth, clientHeight } = cell.stage;
      const x = from.x - (left - start.left) / clientWidth / from.zoom;
      const y = from.y - (top - start.top) / clientHeight / from.zoom;
      app.look(within({ zoom: from.zoom, x, y }));
    },
    end: () => {},
    cancel: () => app.look(from),
  };
}

function gestureOf(app, cell, event, spot) {
  if (event.button === 1) return app.view.zoom > 1 ? panGesture(app, cell, spot) : null;
  if (event.button !== 0) return null;
  if (app.data.tool === "box") return boxGesture(app, cell, spot);
  if (app.data.tool === "brush") return brushGesture(app, cell, spot);
  return app.view.zoom > 1 ? panGesture(app, cell, spot) : null;
}

export function listenToPointers(app, cell) {
  const { stage } = cell;
  const fingers = new Map();
  let pinch = null;

  const stop = () => {
    app.gesture?.cancel();
    app.gesture = null;
  };
  stage.onpointerdown = (event) => {
    if (event.target.closest("button, .divider")) return;
    const spot = spotOf(event, app, cell);
    fingers.set(event.pointerId, event);
    app.point(spot, cell);
    stop();
    if (fingers.size === 2) {
      pinch = { view: app.view, from: spread([...fingers.values()], stage) };
      return;
    }
    app.gesture = gestureOf(app, cell, event, spot);
    if (!app.gesture) return;
    if (event.button === 1) event.preventDefault(); // no automatic scrolling
    stage.setPointerCapture(event.pointerId);
  };
  stage.onpointermove = (event) => {
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event);
    if (pinch && fingers.size === 2) {
      app.look(pinched(pinch.view, pinch.from, spread([...fingers.values()], stage)));
      return;
    }
    const spots = app.gesture && event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of spots.length ? spots : [event]) app.gesture?.move(spotOf(one, app, cell));
    const spot = spotOf(event, app, cell);
    app.point(spot, cell);
    if (app.data.tool === "box" && !app.gesture) {
      const key = cell.truth();
      const hit = boxAt(app.marks.of("boxes", key), spot, cell.pixelWide(), cell.pixelHigh());
      const chosen = hit && app.marks.selected?.key === key && app.marks.selected.number === hit.number;
      stage.style.cursor = boxCursor(hit, chosen);
    } else if (app.data.tool !== "box") stage.style.cursor = "";
  };
  const lift = (event, ended) => {
    fingers.delete(event.pointerId);
    if (fingers.size < 2) pinch = null;
    if (ended && app.gesture) {
      const { gesture } = app;
      app.gesture = null;
      gesture.end();
    } else if (!ended) stop();
  };
  stage.onpointerup = (event) => lift(event, true);
  stage.onpointercancel = (event) => lift(event, false);
  stage.onpointerleave = (event) => {
    if (event.pointerType === "mouse" && !app.gesture && !stage.matches(":focus-visible")) app.point(null, cell);
  };
  stage.ondblclick = (event) => {
    if (app.data.tool !== "look" || event.target.closest("button, .divider")) return;
    if (app.view.zoom > 1) app.look(WHOLE);
    else app.look(zoomedAbout(app.view, 2.5, spotOf(event, app, cell)));
  };
  // Not passive, so that the page does not zoom or scroll with it.
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const spot = spotOf(event, app, cell);
    app.look(zoomedAbout(app.view, Math.exp(-clamp(pixels, -300, 300) * WHEEL), spot));
    app.point(spot, cell);
  }, { passive: false });
  const keep = (event) => { if (event.touches.length > 1) event.preventDefault(); };
  stage.addEventListener("touchstart", keep, { passive: false });
}
