// A cell: photograph, map, points and boxes, and the lines below them.
import { element, icon, pressable, showAt } from "../../components/dom.js";
import { clamp } from "../../components/numbers.js";
import { removeBox } from "./boxes.js";
import { createCurtain } from "./curtain.js";
import { listenToDivider } from "./divider.js";
import { ICONS } from "./icons.js";
import { keyHelp, listenToKeys, SHORTCUTS } from "./keys.js";
import { createMapLayer, createPointLayer, NO_POINTS } from "./layers.js";
import { createOverlay } from "./overlays.js";
import { listenToPointers } from "./pointers.js";
import { cellWords, placeRead, times } from "./words.js";

export function createCell(app) {
  const img = element("img", "photo");
  img.alt = ""; // the stage says it
  img.draggable = false;
  const map = createMapLayer("own");
  const other = createMapLayer("other");
  const points = createPointLayer();
  const overlay = createOverlay();
  const parts = {
    tag: element("span", "tag"),
    pin: pressable("corner pin", "", icon(ICONS.pin)),
    removal: pressable("corner removal", "Remove the box", icon(ICONS.cross)),
    divider: element("div", "divider", element("span", "grip")),
    left: element("span", "side"),
    right: element("span", "side"),
    curtain: createCurtain(),
  };
  const sides = element("div", "sides", parts.left, parts.right);
  sides.setAttribute("aria-hidden", "true"); // the stage's name says it
  const stage = element(
    "div", "stage", img, other.canvas, map.canvas, points.canvas, overlay.svg, element("div", "cross"),
    element("div", "ring"), sides, parts.divider, parts.curtain.node, parts.tag, parts.pin, parts.removal,
  );
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-roledescription", "map");
  stage.setAttribute("aria-keyshortcuts", SHORTCUTS);
  parts.removal.tabIndex = -1; // Delete does it
  const caption = element("p", "caption", element("span", "title"), element("span", "detail"));
  const slot = element("div", "slot");
  const [note, read, idle] = ["note", "read", "idle"].map((name) => element("p", name));
  const under = element("figcaption", "under", note, element("div", "line", idle, read));
  const node = element("figure", "cell", slot, stage, under);
  let size = [0, 0];
  const cell = {
    node,
    slot,
    caption,
    stage,
    data: null,
    photo: () => ({ key: cell.data.photo, ...app.data.photos[cell.data.photo] }),
    truth: () => cell.data.truth, // under which its boxes are kept
    strokes: () => cell.data.strokes, // and its brush strokes
    column: () => app.data.columns[cell.data.column]?.name,
    pixelWide: () => (size[0] * app.view.zoom) / cell.photo().width,
    pixelHigh: () => (size[1] * app.view.zoom) / cell.photo().height,
    pixelAt: ({ u, v }) => {
      const { width, height } = cell.photo();
      return [clamp(Math.floor(u * width), 0, width - 1), clamp(Math.floor(v * height), 0, height - 1)];
    },
    pin: () => app.send({ do: cell.pinned ? "unpin" : "pin", cell: cell.data.id }),
    measure: () => { size = [stage.clientWidth, stage.clientHeight]; },
    // Which cell of the data it shows, and its map as readMap gives it, or null.
    take: (data, decoded, inStrip) => {
      cell.data = data;
      cell.map = decoded;
      cell.pinned = inStrip || app.pinned.has(data.id);
      caption.children[0].textContent = data.title;
      caption.children[1].textContent = data.subtitle;
      const photo = cell.photo();
      showAt(img, photo.uri);
      node.style.setProperty("--ratio", photo.width / photo.height);
      node.dataset.state = data.state;
      parts.curtain.show(data);
      parts.pin.setAttribute("aria-pressed", String(cell.pinned));
      parts.pin.setAttribute("aria-label", `${cell.pinned ? "Unpin" : "Pin"} ${data.title}, ${data.subtitle}`);
      parts.pin.title = cell.pinned ? "Unpin" : "Pin, to keep it in view";
      tellWhatIsSeen();
    },
    draw: () => {
      const { view, scale, reference, data } = app;
      const around = { view, scale, reference };
      const seen = data.opacity > 0 ? cell.map : null;
      const drawn = map.draw(seen, around, size);
      const under = data.view === "slider" && seen ? reference : null;
      other.draw(under, around, size);
      const pointed = data.show_points && data.view !== "difference";
      points.draw(pointed ? cell.data.points : NO_POINTS, cell.photo(), view, size);
      return drawn;
    },
    drawMarks: () => {
      const photo = cell.photo();
      const truth = app.marks.of("boxes", cell.truth());
      const { selected } = app.marks;
      const chosen = app.data.tool === "box" && selected?.key === cell.truth() ? selected.number : -1;
      const apart = app.data.view === "difference";
      const box = app.data.show_boxes && !apart ? cell.data.box : null;
      const cut = apart ? null : cell.data.cut;
      stage.style.setProperty("--ring", app.data.brush / photo.width);
      overlay.draw(photo, app.view, { truth, box, cut, strokes: app.marks.of("strokes", cell.strokes()), selected: chosen });
      placeRemoval(truth[chosen]);
    },
    read: () => {
      const words = app.cursor && cell.map ? placeRead(cell.map, app.reference, app.cursor, app.data.view) : "";
      if (read.textContent !== words) read.textContent = words;
      under.classList.toggle("reads", words !== "");
      return words;
    },
  };

  const tellWhatIsSeen = () => {
    const { data } = cell;
    const isReference = data.id === app.data.reference;
    note.textContent = data.note;
    note.hidden = !data.note && !app.marks.of("boxes", data.truth).length; // its room is there before the numbers are
    const apart = app.data.scale === "own" && app.data.view !== "difference" && cell.map;
    const words = [apart && `own maximum: ${times(cell.map.top)} × average`, data.layer && `layer ${data.layer}`];
    idle.textContent = idle.title = words.filter(Boolean).join(" · ");
    const compares = app.data.view !== "maps" || app.data.pinned.length > 0;
    parts.tag.textContent = isReference && compares ? "Reference" : "";
    const split = Boolean(app.data.view === "slider" && cell.map && app.reference && !isReference);
    sides.hidden = parts.divider.hidden = !split;
    stage.classList.toggle("split", split);
    const alike = app.titles.reference === data.title;
    parts.left.textContent = alike ? app.titles.detail : app.titles.reference;
    parts.right.textContent = alike ? data.subtitle : data.title;
    stage.setAttribute("aria-label", [isReference && compares ? "Reference. " : "", cellWords(data)].join(""));
    stage.setAttribute("aria-description", keyHelp(app.data.tool));
  };
  const placeRemoval = (box) => {
    parts.removal.hidden = !box || app.here !== cell || app.gesture !== null;
    if (parts.removal.hidden) return;
    const { width, height } = cell.photo();
    const left = ((box[2] + 1) / width - app.view.x) * app.view.zoom * size[0];
    const top = (box[1] / height - app.view.y) * app.view.zoom * size[1];
    parts.removal.style.left = `${clamp(left + 4, 2, size[0] - 28)}px`;
    const underPin = left + 4 > size[0] - 64 && top < 40; // its corner is taken
    parts.removal.style.top = `${clamp(underPin ? 40 : top, 2, size[1] - 28)}px`;
  };

  parts.pin.onclick = () => cell.pin();
  parts.removal.onclick = () => {
    removeBox(app, cell.truth(), app.marks.selected.number);
    stage.focus();
  };
  parts.curtain.stop.onclick = () => {
    app.send({ do: "stop", cell: cell.data.id });
    stage.focus();
  };
  parts.curtain.again.onclick = () => {
    app.send({ do: "again", cell: cell.data.id });
    stage.focus();
  };
  stage.onfocus = () => app.enter(cell);
  listenToDivider(app, stage, parts.divider);
  listenToPointers(app, cell);
  listenToKeys(app, cell);
  return cell;
}
