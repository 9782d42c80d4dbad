// The strongest feature maps of a layer in one scale. Dark is zero, in both themes and over a photograph.
import { channels } from "../../components/colours.js";
import { element, pressable, svgElement } from "../../components/dom.js";
import { percent, threeDigits } from "../../components/format.js";
import { bytesOf, clamp, mix } from "../../components/numbers.js";
import { hopAlong, hopEmpty, hopKeepingPlace } from "./hop.js";

const MAPS_UP = ["#11171d", "#17436b", "#2b7fc0", "#8cc9f2", "#f2faff"];
const MAPS_DOWN = ["#11171d", "#6b3a08", "#c0700f", "#f2b45c", "#fff6e6"];

// node: a section. go: see drawHop. overlay(canvas or null, extent, label): lay a map over the photograph.
export function drawMaps(node, answer, go, overlay) {
  Object.assign(node, { mapsGo: go, mapsOverlay: overlay });
  const content = JSON.stringify(answer && [answer.step, mapsName(answer), answer.maps]);
  if (node.mapsContent !== content) {
    node.mapsContent = content;
    hopKeepingPlace(node, () => node.replaceChildren(...mapsParts(node, answer)));
  }
  const { playback, step } = answer ?? {};
  const laid = node.mapsLaid;
  const stays = laid?.playback === playback && laid?.step === step
    && answer?.maps?.channels.some(({ channel, current }) => current && channel === laid.channel);
  mapsLay(node, answer, stays ? laid.channel : null);
}

const mapsName = ({ module, heading }) => module || heading;

function mapsParts(node, answer) {
  if (!answer) return [];
  const title = element("h3", "", "Feature maps");
  if (!answer.maps) {
    const words = `${mapsName(answer)} has no feature maps: its elements have no position in the picture.`;
    return [element("header", "maps-head", title), hopEmpty(words)];
  }
  const { maps } = answer;
  const note = element("p", "maps-note", [mapsName(answer), maps.reduced].filter(Boolean).join(" · "));
  const list = element("div", "maps-list", ...maps.channels.map((one) => mapsButton(node, answer, one)));
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", `The strongest channels of ${mapsName(answer)}`);
  const buttons = [...list.children];
  const entry = Math.max(0, maps.channels.findIndex(({ current }) => current));
  buttons.forEach((button, number) => { button.tabIndex = number === entry ? 0 : -1; });
  list.onkeydown = (event) => hopAlong(event, buttons);
  return [element("header", "maps-head", title, note), list, mapsLegend(maps)];
}

function mapsButton(node, answer, one) {
  const { maps, step } = answer;
  const picture = element("span", "maps-picture", mapsCanvas(maps, one, false), mapsRings(maps, one));
  picture.style.setProperty("--ratio", maps.columns / maps.rows);
  const caption = element("span", "maps-caption",
    element("b", "", one.label), " ", element("span", "", percent(one.share)));
  const button = pressable("maps-one", "", picture, caption);
  button.dataset.key = `map-${one.channel}`;
  button.dataset.channel = one.channel;
  button.classList.toggle("current", one.current);
  button.setAttribute("aria-description", "Chooses the channel and shows its map over the picture");
  button.onclick = () => {
    const off = node.mapsLaid?.channel === one.channel;
    node.mapsGo({ step, chosen: off ? null : { step, channel: one.channel } });
    mapsLay(node, answer, off ? null : one.channel);
  };
  return button;
}

// Lays one channel over the photograph, or nothing, and marks its button.
function mapsLay(node, answer, channel) {
  for (const button of node.querySelectorAll(".maps-one")) {
    button.setAttribute("aria-pressed", String(Number(button.dataset.channel) === channel));
  }
  const one = answer?.maps?.channels.find((other) => other.channel === channel);
  node.mapsLaid = one ? { playback: answer.playback, step: answer.step, channel } : null;
  if (!one) return node.mapsOverlay(null, null, "");
  node.mapsOverlay(mapsCanvas(answer.maps, one, true), answer.maps.extent, `${one.label} of ${mapsName(answer)}`);
}

function mapsCanvas(maps, { values }, seeThrough) {
  const canvas = element("canvas", "maps-canvas");
  canvas.width = maps.columns;
  canvas.height = maps.rows;
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(maps.columns, maps.rows);
  const colours = mapsColours(maps, seeThrough);
  bytesOf(values).forEach((byte, n) => image.data.set(colours[byte], 4 * n));
  pen.putImageData(image, 0, 0);
  return canvas;
}

// Red, green, blue, opacity for each byte. Over a photograph, zero lets it through.
function mapsColours({ low, high }, seeThrough) {
  const largest = Math.max(-low, high) || 1;
  return Array.from({ length: 256 }, (_, byte) => {
    const part = (low + (byte / 255) * (high - low)) / largest;
    return [...mapsColour(part), seeThrough ? 60 + Math.round(130 * Math.min(1, 2 * Math.abs(part))) : 255];
  });
}

// part: -1 to 1.
function mapsColour(part) {
  const ramp = part < 0 ? MAPS_DOWN : MAPS_UP;
  const at = clamp(Math.abs(part)) * (ramp.length - 1);
  const below = Math.min(ramp.length - 2, Math.floor(at));
  const [from, to] = [channels(ramp[below]), channels(ramp[below + 1])];
  return from.map((value, n) => Math.round(mix(value, to[n], at - below)));
}

// The elements that hold evidence: the larger the ring, the larger its share of the channel's.
function mapsRings({ rows, columns }, { places }) {
  const svg = svgElement("svg", { class: "maps-rings", viewBox: `0 0 ${columns} ${rows}`, "aria-hidden": "true" });
  const most = Math.max(...places.map(([, , share]) => share));
  const full = 0.075 * Math.max(rows, columns);
  for (const name of ["edge", "ring"]) {
    for (const [row, column, share] of places) {
      const r = (full * Math.max(0.25, Math.sqrt(share / most))).toFixed(3);
      svg.append(svgElement("circle", { class: name, cx: column + 0.5, cy: row + 0.5, r }));
    }
  }
  return svg;
}

function mapsLegend({ low, high }) {
  const bar = element("span", "maps-scale");
  const largest = Math.max(-low, high) || 1;
  const stops = Array.from({ length: 21 }, (_, n) => `rgb(${mapsColour(mix(low, high, n / 20) / largest).join(" ")})`);
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  const ends = element("span", "maps-ends", ...[low, high].map((end) => element("span", "", threeDigits(end))));
  if (low < 0 && high > 0) {
    const zero = element("span", "maps-zero", "0");
    zero.style.setProperty("--zero", -low / (high - low));
    zero.hidden = Math.min(-low, high) / (high - low) < 0.15; // else it would stand on the ends' numbers
    ends.append(zero);
  }
  const ring = element("span", "maps-ring");
  return element("div", "maps-legend",
    element("span", "maps-scaled", bar, ends),
    element("span", "maps-key", ring, "larger ring: more evidence"),
    element("span", "maps-key", "All maps have the same scale."));
}
