// The path from the score to the picture: stages as brackets, blocks as cards, the operations of open blocks as chips.
import { element, icon, prefersStill } from "../../components/dom.js";
import { count, percent } from "../../components/format.js";

export const FLAG = "M5 2v20M5 3h13l-3.5 4.5L18 12H5";

export function createStrip(playback, walks, act) {
  const rail = element("div", "rail");
  rail.setAttribute("role", "tree");
  rail.setAttribute("aria-label", "The path from the score to the picture");
  rail.setAttribute("aria-orientation", "horizontal");
  rail.style.setProperty("--blocks", playback.blocks.length);
  rail.classList.toggle("compared", walks.length > 1);
  const cards = playback.blocks.map((block, number) => blockCard(playback, walks[0], block, number));
  for (const stage of playback.stages) rail.append(stageBracket(stage, cards.slice(stage.first, stage.last + 1)));
  const node = element("div", "strip", rail);

  rail.onclick = (event) => {
    const block = event.target.closest(".block");
    const step = event.target.closest(".step");
    if (event.target.closest(".toggle")) act.toggle(Number(block.dataset.number));
    else if (block) act.go(Number((step ?? block).dataset.step));
  };
  rail.ondblclick = (event) => {
    const head = event.target.closest(".head");
    if (head && !event.target.closest(".toggle")) act.toggle(Number(head.parentElement.dataset.number));
  };

  let current = null;
  let here = null;
  const update = (view) => {
    const focused = rail.contains(rail.getRootNode().activeElement); // before its chip may go
    cards.forEach((card, number) => setOpen(playback, walks[0], card, number, view.open.has(number)));
    current?.removeAttribute("aria-current");
    if (current) current.tabIndex = -1;
    here?.classList.remove("here");
    here = cards[view.blockOf(view.step)];
    current = here.querySelector(`.step[data-step="${view.step}"]`) ?? here;
    current.setAttribute("aria-current", "step");
    current.tabIndex = 0;
    here.classList.add("here");
    if (focused) current.focus({ preventScroll: true });
    bringIntoView(rail, current);
  };
  return { node, update };
}

function stageBracket(stage, cards) {
  const title = element("span", "stage-title", element("b", "", stage.title));
  if (stage.note) title.append(` ${stage.note}`);
  title.setAttribute("aria-hidden", "true"); // each block says it
  const node = element("div", "stage-of-path", element("div", "bracket", title), element("div", "blocks", ...cards));
  for (const part of [node, ...node.children]) part.setAttribute("role", "none");
  return node;
}

function blockCard(playback, walk, block, number) {
  const steps = block.last - block.first + 1;
  const stage = playback.stages.find((one) => number <= one.last);
  const numbers = shownNumbers(walk, block.first, block.last);
  const name = element("span", "name", block.title);
  if (steps > 1) name.append(element("span", "toggle", icon("M9 5l8 7-8 7")));
  const head = element("div", "head", name, ownName(block.module), bars(numbers, playback.overlap?.[block.first]));
  head.title = [block.kind, steps > 1 ? count(steps, "step") : ""].filter(Boolean).join(", ");
  const parts = playback.part !== null && playback.part >= block.first && playback.part <= block.last;
  if (parts) head.append(icon(FLAG));
  const node = element("div", "block", head);
  node.dataset.number = number;
  node.dataset.step = block.first;
  node.classList.toggle("parts", parts);
  treeItem(node, 1, number, playback.blocks.length, [
    block.title, block.kind, block.module, `${stage.title} ${stage.note}`, steps > 1 ? count(steps, "step") : "",
    numbersInWords(numbers),
    playback.overlap ? `${percent(playback.overlap[block.first])} at the same places in both walks` : "",
    parts ? "the walks diverge here" : "",
  ]);
  if (steps > 1) node.setAttribute("aria-expanded", "false");
  return node;
}

function stepChip(playback, walk, block, number) {
  const step = playback.steps[number];
  const numbers = shownNumbers(walk, number, number);
  const node = element("div", "step", element("span", "name", step.title), ownName(lastPart(step.module)),
    bars(numbers, playback.overlap?.[number]));
  node.title = [step.title, step.purpose].filter(Boolean).join(": ");
  node.dataset.step = number;
  if (playback.part === number) node.append(icon(FLAG));
  treeItem(node, 2, number - block.first, block.last - block.first + 1, [
    step.title, step.module, step.shape, numbersInWords(numbers), playback.part === number ? "the walks diverge here" : "",
  ]);
  return node;
}

function treeItem(node, level, position, size, words) {
  node.setAttribute("role", "treeitem");
  node.setAttribute("aria-level", level);
  node.setAttribute("aria-posinset", position + 1);
  node.setAttribute("aria-setsize", size);
  node.setAttribute("aria-label", words.filter(Boolean).join(", "));
  node.tabIndex = -1;
}

function setOpen(playback, walk, card, number, open) {
  const inner = card.querySelector(".inner");
  if (Boolean(inner) === open) return;
  card.classList.toggle("open", open);
  card.setAttribute("aria-expanded", String(open));
  if (!open) return inner.remove();
  const block = playback.blocks[number];
  const chips = element("div", "inner");
  chips.setAttribute("role", "group");
  for (let step = block.first; step <= block.last; step++) chips.append(stepChip(playback, walk, block, step));
  card.querySelector(".head").after(chips);
}

// A block shows its output; where the walk does not come by that, the first of its steps that it comes by.
function shownNumbers(walk, first, last) {
  for (let step = first; step <= last; step++) if (walk.steps[step].cloud >= 0) return walk.steps[step];
  return { evidence: 0, spread: 0 };
}

const numbersInWords = ({ evidence, spread }) =>
  `${percent(evidence)} of the evidence, half of it in ${percent(spread)} of the picture`;

function bars({ evidence, spread }, overlap) {
  const bar = (name, share) => {
    const node = element("span", `bar ${name}`);
    node.style.setProperty("--share", share);
    return node;
  };
  const node = element("span", "bars", bar("evidence", evidence), bar("spread", spread));
  if (overlap !== undefined) node.append(bar("overlap", overlap));
  return node;
}

const lastPart = (module) => module.split(".").at(-1);

// What the network's own code calls it: its end, which tells it from others, is what a narrow card shows.
function ownName(module) {
  const node = element("span", "own", element("bdi", "", module));
  node.title = module;
  return node;
}

export function stripLegend(playback, walks) {
  const key = (name, words) => element("span", "key", element("span", `swatch ${name}`), words);
  const of = walks.length > 1 ? ` in “${walks[0].title}”` : "";
  const node = element("p", "legend",
    key("evidence", `evidence at this step${of}`), key("spread", "share of the picture that holds half of it"));
  if (playback.overlap) node.append(key("overlap", "evidence at the same places in both walks"));
  if (playback.part !== null) node.append(element("span", "key flag", icon(FLAG), "the walks diverge here"));
  return node;
}

// Scrolls the strip only, never the page, and only when what it shows comes close to an edge.
function bringIntoView(rail, node) {
  const box = node.getBoundingClientRect();
  const frame = rail.getBoundingClientRect();
  const margin = Math.min(frame.width / 4, Math.max(0, (frame.width - box.width) / 2));
  const before = box.left - frame.left - margin;
  const after = box.right - frame.right + margin;
  const by = before < 0 ? before : after > 0 ? after : 0;
  if (by) rail.scrollBy({ left: by, behavior: prefersStill() ? "instant" : "smooth" });
}
