// The hop panel: what decided one element, from the question to its numbers. Drawn anew when another answer arrives.
import { buttonByKey, element, icon, pressable } from "../../components/dom.js";
import { count, numberWriter, percent, threeDigits } from "../../components/format.js";
import { gridMaximum, gridMean, gridTotal, gridWindow } from "./grids.js";

const HOP_DOWN = "M12 4v14M6 12l6 6 6-6";
const HOP_WITH_BARS = ["window", "mean", "dense", "sum", "other"];

// node: a section. answer: see answers.py; null before the first. go({step, chosen}): look at another step or element.
export function drawHop(node, answer, go) {
  node.hopGo = go; // what is drawn already goes the new way, too
  const shown = answer && [answer.step, answer.heading, answer.module, answer.shape, answer.elements, answer.decision];
  hopRedraw(node, shown, () => hopParts(answer, (detail) => node.hopGo(detail)));
}

// While the playback plays nobody can read numbers: what the step does, in words.
export function drawPlaying(node, block, { words }) {
  const title = [block.title, block.kind].filter(Boolean).join(", ");
  hopRedraw(node, [title, words], () => [
    element("div", "hop-playing", element("h3", "", title), element("p", "", words),
      element("p", "hop-empty", "Pause to see the numbers behind a step.")),
  ]);
}

function hopRedraw(node, shown, parts) {
  const content = JSON.stringify(shown);
  if (node.hopContent === content) return;
  node.hopContent = content;
  hopKeepingPlace(node, () => node.replaceChildren(...parts()));
}

// The focus stays on what has the same key, else it goes to the question; lists stay scrolled.
export function hopKeepingPlace(node, redraw) {
  const active = node.getRootNode().activeElement;
  const key = node.contains(active) ? active.dataset.key : undefined;
  const scrolled = node.querySelector(".hop-elements")?.scrollLeft ?? 0;
  redraw();
  const list = node.querySelector(".hop-elements");
  if (list) {
    list.scrollLeft = scrolled;
    hopReveal(list, list.querySelector('[aria-checked="true"]'));
  }
  if (key === undefined) return;
  const same = [...node.querySelectorAll("[data-key]")].find((one) => one.dataset.key === key);
  (same ?? node.querySelector(".hop-question"))?.focus({ preventScroll: true });
}

// Scrolls the list only, never the page.
function hopReveal(list, item) {
  if (!item) return;
  const start = item.offsetLeft - list.offsetLeft;
  const end = start + item.offsetWidth;
  if (start < list.scrollLeft || end > list.scrollLeft + list.clientWidth) list.scrollLeft = start - 24;
}

function hopParts(answer, go) {
  if (!answer) return [hopEmpty("Nothing chosen yet. Go to a layer, or choose a point on the picture.")];
  const { decision, elements } = answer;
  const head = element("header", "hop-head",
    element("h3", "", answer.heading), element("p", "", element("span", "own", answer.module), " ", answer.shape));
  const list = elements.length > 1 ? [hopElements(answer, go)] : [];
  if (!decision) return [head, ...list, hopEmpty(hopNothing(answer))];
  return [head, ...list, hopQuestion(decision), ...hopPicture(decision), ...hopFollowed(decision, go)];
}

export function hopEmpty(words) {
  return element("p", "hop-empty", words);
}

function hopNothing({ chosen, elements }) {
  if (elements.length) return "Choose an element to see what decided it.";
  return chosen ? "The followed line does not pass through this layer." : "This walk does not pass through this layer.";
}

function hopElements({ step, elements, ranked }, go) {
  const list = element("div", "hop-elements");
  list.setAttribute("role", "radiogroup");
  list.setAttribute("aria-label", "The strongest elements here");
  const most = Math.max(...elements.map(({ share }) => share));
  const entry = Math.max(0, elements.findIndex(({ current }) => current));
  const buttons = elements.map(({ id, label, share, current }, number) => {
    const button = pressable("hop-element", "", element("span", "", label), element("small", "", percent(share)));
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", String(current));
    button.dataset.key = `element-${id}`;
    button.tabIndex = number === entry ? 0 : -1;
    button.style.setProperty("--share", most > 0 ? share / most : 0);
    button.onclick = () => go({ step, chosen: { step, element: id } });
    return button;
  });
  list.append(...buttons);
  list.onkeydown = (event) => hopAlong(event, buttons);
  const title = element("p", "hop-small", ranked);
  return element("div", "hop-choice", title, list);
}

// Arrow keys move among buttons of which Tab reaches one; Enter chooses.
export function hopAlong(event, buttons) {
  const next = buttonByKey(event, buttons);
  if (!next) return;
  event.preventDefault();
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

function hopQuestion({ title, sign, value, evidence, sentence }) {
  const question = element("h3", "hop-question", `Why is ${title} ${sign > 0 ? "high" : "low"}?`);
  question.tabIndex = -1;
  const fact = (name, number) => element("div", "", element("dt", "", name), element("dd", "", number));
  return element("div", "hop-asked",
    question,
    element("dl", "hop-facts", fact("Value", threeDigits(value)), fact("Share of the evidence", percent(evidence))),
    element("p", "hop-sentence", sentence));
}

// One plain picture for each kind of decision.
const HOP_PICTURES = {
  window: hopWeighted,
  mean: (decision) => [...(decision.grid ? [gridMean(decision)] : []), hopListedSum(decision)],
  dense: hopWeighted,
  maximum: (decision) => [...(decision.grid ? [gridMaximum(decision)] : []), hopFromTo(decision)],
  joined: (decision) => [hopJoined(decision)],
  gated: (decision) => [hopGated(decision)],
  scaled: (decision) => [hopScaled(decision)],
  function: (decision) => [hopInOut(decision, "before", "after")],
  moved: (decision) => [hopFromTo(decision)],
};

function hopPicture(decision) {
  return (decision.terms.length && HOP_PICTURES[decision.kind]?.(decision)) || [];
}

function hopWeighted(decision) {
  return decision.grid?.products ? [gridWindow(decision), hopWindowSum(decision)] : [hopListedSum(decision)];
}

// parts: [{number, label, before}], before: the sign in front of it. The last one is the result.
function hopEquation(parts) {
  const pieces = parts.map(({ number, label, before }, place) => {
    const adds = before === "+";
    const sign = adds && number < 0 ? "−" : before;
    const shown = threeDigits(adds ? Math.abs(number) : number);
    const piece = element("span", "hop-piece", element("b", "", shown), " ", element("small", "", label), " ");
    piece.classList.toggle("result", place === parts.length - 1);
    return element("span", "hop-operand", ...(sign ? [element("span", "hop-sign", sign)] : []), piece);
  });
  return element("p", "hop-equation", ...pieces);
}

function hopWindowSum({ grid, terms, others, bias, value, inputs, title }) {
  const listed = terms.reduce((sum, { product }) => sum + product, 0);
  const here = gridTotal(grid.products);
  const more = inputs - grid.activations.flat().filter((cell) => cell !== null).length;
  return hopEquation([
    { number: here, label: `sum over channel ${grid.channel}` },
    ...(more > 0 ? [{ number: listed + others - here, label: hopOtherChannels(grid, inputs, more), before: "+" }] : []),
    ...hopBias(bias),
    { number: value, label: title, before: "=" },
  ]);
}

// All channels have as many inputs within the picture; slices of a volume have not.
function hopOtherChannels({ depth }, inputs, more) {
  if (typeof depth === "number") return `the other ${count(more, "input")}`;
  return `the other ${count(more / (inputs - more), "channel")}`;
}

const hopBias = (bias) => (bias === null ? [] : [{ number: bias, label: "bias", before: "+" }]);

function hopListedSum({ terms, others, bias, value, inputs, title }) {
  const listed = terms.reduce((sum, { product }) => sum + product, 0);
  const more = inputs - terms.length;
  return hopEquation([
    { number: listed, label: terms.length === 1 ? "the input below" : `the ${terms.length} inputs below` },
    ...(more > 0 ? [{ number: others, label: `the other ${more.toLocaleString("en")}`, before: "+" }] : []),
    ...hopBias(bias),
    { number: value, label: title, before: "=" },
  ]);
}

// Two features that are multiplied bring half of the product each, so that a coefficient is half of the other one.
function hopGated({ terms, value, title }) {
  const [feature] = terms;
  const features = terms.filter(({ coefficient }) => coefficient !== null);
  if (feature.coefficient === null) return hopInOut({ terms, value }, "before", "after");
  const gate = terms.find((term) => term !== feature);
  return hopEquation([
    { number: feature.activation, label: feature.label },
    { number: feature.coefficient * features.length, label: `its gate${gate ? `: ${gate.label}` : ""}`, before: "×" },
    { number: value, label: title, before: "=" },
  ]);
}

function hopScaled({ terms: [input], value, bias, title }) {
  const scale = input.coefficient;
  if (scale === null) return hopInOut({ terms: [input], value }, "before", "after");
  return hopEquation([
    { number: input.activation, label: input.label },
    { number: scale, label: "scale ÷ deviation", before: "×" },
    { number: bias ?? value - scale * input.activation, label: "shift − mean × that", before: "+" },
    { number: value, label: title, before: "=" },
  ]);
}

function hopInOut({ terms: [input], value }, from, to) {
  return hopEquation([{ number: input.activation, label: from }, { number: value, label: to, before: "→" }]);
}

function hopFromTo(decision) {
  return hopInOut(decision, decision.terms[0].label, decision.title);
}

// The tensors behind each other, as they were joined; the one that it came from is filled.
function hopJoined({ terms, inputs }) {
  const parts = terms.map(({ label, winner }) => {
    const part = element("li", "hop-tensor", element("span", "", label));
    if (winner) part.append(element("small", "", "contains the element"));
    part.classList.toggle("won", winner);
    return part;
  });
  const more = inputs - terms.length;
  if (more > 0) {
    const rest = element("li", "hop-tensor rest", element("span", "", count(more, "other tensor")));
    rest.style.setProperty("--parts", more);
    parts.push(rest);
  }
  const strip = element("ul", "hop-joined", ...parts);
  strip.setAttribute("aria-label", "The concatenated tensors");
  return strip;
}

// Where the evidence went on: bars where several inputs compete, else buttons alone.
function hopFollowed(decision, go) {
  const { kind, terms } = decision;
  if (HOP_WITH_BARS.includes(kind) && terms.length) return [hopBars(decision, go)];
  const followed = terms.filter((term) => term.go);
  if (!followed.length) return [];
  const rows = followed.map((term, number) => {
    const button = hopGoThere(term, number, go);
    return element("p", "hop-way", element("span", "", term.label), hopShare(term), button);
  });
  return [element("div", "hop-ways", element("p", "hop-small", "The evidence went on to"), ...rows)];
}

function hopGoThere(term, number, go) {
  const button = pressable("hop-go", `Go to ${term.label}`, "Go there", icon(HOP_DOWN));
  button.dataset.key = `go-${number}`;
  button.onclick = () => go({ step: term.go.step, chosen: term.go });
  return button;
}

const hopShare = (term) => element("span", "hop-share", term.share > 0 ? percent(term.share) : "not followed");

function hopBars(decision, go) {
  const { kind, terms, inputs } = decision;
  const rows = hopRows(decision);
  const ends = rows.flatMap(({ from, to }) => [from, to]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const span = high - low || 1;
  const write = numberWriter(rows.map(({ number }) => number ?? 0));
  const table = element("div", "hop-bars");
  table.setAttribute("role", "table");
  table.setAttribute("aria-label", "What each input contributed, and where the evidence went");
  table.style.setProperty("--zero", (0 - low) / span);
  table.append(hopRow("hop-row titles", "columnheader",
    "Input", "", { sum: "Value", other: "" }[kind] ?? "Product", "Evidence", ""));
  rows.forEach((row, number) => {
    const bar = element("i", row.to < row.from ? "minus" : "plus");
    bar.style.setProperty("--start", (Math.min(row.from, row.to) - low) / span);
    bar.style.setProperty("--length", Math.abs(row.to - row.from) / span);
    const line = hopRow("hop-row", "cell",
      hopLabel(row, decision), element("span", "hop-track", bar), row.number === null ? "" : write(row.number),
      row.term ? hopShare(row.term) : "", row.term?.go ? hopGoThere(row.term, number, go) : "");
    line.classList.toggle("won", row.term?.winner ?? false);
    line.classList.toggle("result", row.result ?? false);
    table.append(line);
  });
  const title = terms.length < inputs
    ? `The ${terms.length} most important inputs of ${inputs.toLocaleString("en")}`
    : "Inputs";
  return element("div", "hop-compared", element("p", "hop-small", title), table);
}

// From where to where each bar reaches. A sum is built up: each part starts where the one before ended.
function hopRows({ kind, terms, others, bias, value, title }) {
  if (kind === "other") return terms.map((term) => ({ term, from: 0, to: term.share, number: null }));
  if (kind !== "sum") return terms.map((term) => ({ term, from: 0, to: term.product, number: term.product }));
  const parts = terms.map((term) => ({ term, number: term.product }));
  if (others) parts.push({ label: "other inputs", number: others });
  if (bias) parts.push({ label: "bias", number: bias });
  let reached = 0;
  const rows = parts.map((part) => ({ ...part, from: reached, to: (reached += part.number) }));
  return [...rows, { label: `= ${title}`, from: 0, to: value, number: value, result: true }];
}

function hopRow(className, role, ...cells) {
  const row = element("div", className, ...cells.map((content) => {
    const cell = element("span", "hop-cell", content);
    cell.setAttribute("role", role);
    return cell;
  }));
  row.setAttribute("role", "row");
  return row;
}

function hopLabel({ term, label, number }, { sign }) {
  if (!term) return element("span", "hop-label", element("b", "", label));
  const node = element("span", "hop-label", element("b", "", term.label));
  const notes = number === null && Number.isFinite(term.activation) ? [`value ${threeDigits(term.activation)}`] : [];
  if (term.coefficient !== null && term.coefficient !== 1) {
    notes.push(`${threeDigits(term.activation)} × ${threeDigits(term.coefficient)}`);
  }
  if (term.winner) notes.push("largest part");
  if (term.go && term.sign !== sign) notes.push(`explains why it is ${term.sign > 0 ? "high" : "low"}`);
  if (notes.length) node.append(element("small", "", notes.join(" · ")));
  return node;
}
