// The projector: no controls, large type. Texts enter the page as text only, never as markup.
import { element } from "../../components/dom.js";
import { answering, figureOf } from "./answering.js";
import { barsOf, paragraphsOf, proseOf } from "./reveal.js";
import { watchRoom } from "./watching.js";

const PATIENCE = 400; // milliseconds after the last tap until Python is told

// Runs again whenever Python sends other data.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".board");
  if (!root.main) build(root);
  const tell = () => {
    clearTimeout(root.later);
    root.later = setTimeout(() => {
      const value = root.pad?.value() ?? null;
      if (value !== null) setTriggerValue("answer", { step: data.step, value });
    }, PATIENCE);
  };
  const key = JSON.stringify([data.room, data.step, data.phase === "revealed", data.picture?.photo]);
  const same = root.key === key && root.pad;
  root.key = key;
  root.className = `board ${data.hidden ? "hidden" : data.phase}`;
  root.heading.textContent = data.hidden ? "" : data.ask || data.title;
  if (data.hidden || data.phase === "joining" || data.phase === "ended") {
    root.pad = null;
    root.main.replaceChildren(...(data.hidden ? [] : data.phase === "joining" ? joining(data) : [element("p", "huge", data.message)]));
  } else if (data.question && data.phase !== "revealed") {
    if (!same) root.pad = answering(data, tell);
    root.pad.enable(data.phase === "open");
    const parts = [root.pad.node];
    if (data.question.kind !== "look" && data.picture && !data.maps) parts.unshift(figureOf(data.picture, {}, data.title));
    if (!same) root.main.replaceChildren(...parts);
  } else {
    root.pad = null;
    root.main.replaceChildren(...shown(data));
  }
  drawInvitation(root.invitation, data);
  root.counts.hidden = data.hidden || data.phase === "ended";
  if (data.watch) {
    const changed = (version) => setTriggerValue("changed", version);
    watchRoom(root, data.watch, changed, (counts) => drawCounts(root.counts, data, counts), root.lostNote);
  }
}

function build(root) {
  root.heading = element("h1", "");
  root.main = element("div", "main");
  root.lostNote = element("p", "lost", "Connection lost, trying again ...");
  root.lostNote.setAttribute("role", "alert");
  root.lostNote.hidden = true;
  root.counts = element("p", "counts");
  root.invitation = element("div", "invitation");
  root.replaceChildren(root.heading, root.main, element("footer", "", root.counts, root.invitation), root.lostNote);
}

// Dots for answers, as many as phones are in.
function drawCounts(node, { phase }, { answered, present }) {
  const words = `${present} ${present === 1 ? "phone is" : "phones are"} in`;
  if (phase !== "open" && phase !== "closed") node.replaceChildren(present ? words : "Nobody is in yet");
  else {
    const dots = Array.from({ length: present }, (_, n) => element("i", n < answered ? "full" : ""));
    const row = element("span", "dots", ...dots);
    row.setAttribute("aria-hidden", "true");
    node.replaceChildren(row, `${answered} of ${present} answered`);
  }
}

function drawInvitation(node, { hidden, phase, invitation }) {
  node.hidden = hidden || phase === "joining" || !invitation;
  if (node.hidden) { node.replaceChildren(); return; }
  node.replaceChildren(element("span", "", invitation.address), element("b", "", invitation.code), qrOf(invitation));
}

function qrOf({ address, qr }) {
  const image = element("img", "qr");
  image.src = qr;
  image.alt = `QR code of ${address}`;
  return image;
}

function joining({ invitation, goal }) {
  if (!invitation) return [element("p", "huge", goal)];
  const { address, code } = invitation;
  return [
    element("div", "words",
      element("p", "", "On your phone, open"), element("p", "address", address),
      element("p", "", "and type the code"), element("p", "code", code),
      element("p", "promise", "No name, no account. Your taps are seen only as part of the class and are erased at the end.")),
    qrOf(invitation),
  ];
}

function shown({ picture, reveal, text, question, answer, title }) {
  const { sentences, figures, bars } = reveal;
  const taps = question?.kind === "look" && !question.boxes ? answer ?? [] : [];
  const wide = picture && picture.width > picture.height && figures.length === 3;
  const row = element("div", wide ? "figures first-large" : "figures");
  if (picture) {
    for (const [number, figure] of figures.entries()) {
      const drawn = figureOf(picture, figure, figure.title, number === 0 ? taps : []);
      row.append(element("figure", "", element("figcaption", "", figure.title), drawn));
    }
    if (!figures.length) row.append(element("figure", "", figureOf(picture, {}, title)));
  }
  if (bars.length) row.append(barsOf(bars));
  const words = element("div", "said", ...proseOf(question ? [] : text), ...paragraphsOf(sentences));
  return [...(row.children.length ? [row] : []), words];
}
