// What stands under the photographs: receptive fields on and off, the line that is followed, and all of it in words.
import { element, icon, pressable } from "../../components/dom.js";
import { isLast } from "./playback.js";
import { FLAG, stripLegend } from "./strip.js";

export function createBelow(playback, walks, act) {
  const fields = pressable("quiet", "", "What each point can see");
  fields.onclick = act.fields;
  const map = pressable("quiet", "", "Final map");
  map.onclick = act.map;
  const followed = element("p", "followed");
  const release = pressable("quiet", "", "Stop following");
  release.onclick = () => act.choose(null);
  const words = element("p", "words");
  const line = element("div", "line", followed, release);
  const legend = pointLegend(playback);
  const mapLegend = bandLegend(playback);
  const node = element("div", "below", line, element("div", "tools", fields, map, legend, mapLegend), words, stripLegend(playback, walks));
  if (playback.partWords) node.append(partNote(playback, act));

  const update = (view, answer, looked) => {
    const stopped = view.playing ? "off" : "polite"; // nobody can listen as fast as the playback plays
    words.setAttribute("aria-live", stopped);
    followed.setAttribute("aria-live", stopped);
    fields.setAttribute("aria-pressed", String(view.fields));
    const drawn = showsMap(playback, view);
    map.setAttribute("aria-pressed", String(drawn));
    map.hidden = !playback.end || !isLast(playback, view);
    legend.hidden = drawn;
    mapLegend.hidden = !drawn;
    fields.hidden = drawn || !walks[0].steps[view.step].field;
    for (const key of legend.querySelectorAll("[data-when]")) key.hidden = !legendNow(view).includes(key.dataset.when);
    line.classList.toggle("on", view.chosen !== null);
    release.hidden = view.chosen === null;
    say(followed, "", showsMap(playback, view) ? "The end: the map shows where the evidence came from."
      : followedWords(view, answer));
    words.classList.toggle("looked", Boolean(looked));
    const { title, module, shape, words: evidence } = playback.steps[view.step];
    say(words, ...(looked ? ["", looked] : [`${[title, module, shape].filter(Boolean).join(", ")}. `, evidence]));
  };
  return { node, update };
}

// The same words again would be read out again. unseen: read out before them, for those who do not see the rest.
function say(node, unseen, words) {
  if (node.textContent === unseen + words) return;
  node.replaceChildren(element("span", "unseen-words", unseen), words);
}

// The map covers the picture at the end, as long as no line is followed there.
export const showsMap = (playback, view) =>
  Boolean(playback.end) && isLast(playback, view) && view.chosen === null && view.map && !view.moving;

function followedWords(view, answer) {
  if (!view.chosen) return "Choose a point to follow its line back to the score and on to the pixels.";
  if (!view.lit || !answer?.chosen) return "Following …";
  return `Following ${answer.chosen.words}. ${answer.chosen.summary}`;
}

const legendNow = ({ chosen, fields }) => [chosen && "followed", fields && "fields"];

function pointLegend({ view }) {
  const key = (name, words, when) => {
    const node = element("span", "key", element("span", `swatch ${name}`), words);
    if (when) node.dataset.when = when;
    return node;
  };
  const whole = view[0] <= 0 && view[1] <= 0 && view[2] >= 1 && view[3] >= 1;
  const node = element("p", "legend", key("disc", "bigger dot, more evidence"),
    key("disc faint", "not on the line", "followed"), key("frame-of-field", "what a point can see (receptive field)", "fields"));
  if (!whole) node.append(key("unseen", "not seen by the network"));
  return node;
}

function bandLegend({ end }) {
  const keys = (end?.legend ?? []).map(({ colour, label }) => {
    const swatch = element("span", "swatch band");
    swatch.style.background = colour;
    return element("span", "key", swatch, label);
  });
  return element("p", "legend", element("span", "key", end?.legendText ?? ""), ...keys);
}

function partNote(playback, act) {
  const node = element("p", "part", icon(FLAG), element("span", "", playback.partWords));
  if (playback.part === null) return node;
  const go = pressable("quiet", "", "Go there");
  go.onclick = () => act.go(playback.part);
  node.append(go);
  return node;
}
