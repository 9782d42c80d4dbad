// A pupil's phone: one question, one picture, one button. Texts enter the page as text only, never as markup.
import { element, pressable } from "../../components/dom.js";
import { answering, figureOf } from "./answering.js";
import { barsOf, paragraphsOf } from "./reveal.js";
import { watchRoom } from "./watching.js";

// Runs again whenever Python sends other data.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".phone");
  if (!root.main) build(root);
  root.data = data;
  root.tell = (value) => setTriggerValue("answer", { step: data.step, value });
  root.place.textContent = data.place;
  root.ask.textContent = data.ask;
  root.note.textContent = data.note;
  const key = JSON.stringify([data.room, data.step, data.question?.kind, data.picture?.photo]);
  const same = root.key === key && root.pad;
  root.key = key;
  if (data.phase === "open" || data.phase === "closed") {
    if (!same) root.pad = answering(data, () => sayButton(root));
    root.pad.enable(data.phase === "open");
    if (root.main.firstChild !== root.pad.node) root.main.replaceChildren(root.pad.node);
  } else {
    root.pad = null;
    root.main.replaceChildren(...(data.phase === "revealed" ? reveal(data) : waiting(data)));
  }
  root.send.hidden = data.phase !== "open";
  root.closed.hidden = data.phase !== "closed";
  root.sent = JSON.stringify(data.answer);
  root.waits = false;
  sayButton(root);
  watchRoom(root, data.watch, (version) => setTriggerValue("changed", version), () => {}, root.lostNote);
}

function build(root) {
  root.place = element("p", "place-in");
  root.ask = element("h1", "ask");
  root.main = element("div", "main");
  root.note = element("p", "note");
  root.note.setAttribute("role", "status");
  root.closed = element("p", "closed-note", "Answers are closed. Look up!");
  root.send = pressable("send", "");
  root.send.onclick = () => {
    root.waits = true;
    sayButton(root);
    root.tell(root.pad.value());
  };
  root.lostNote = element("p", "lost", "Connection lost, trying again ...");
  root.lostNote.setAttribute("role", "alert");
  root.lostNote.hidden = true;
  root.replaceChildren(root.place, root.ask, root.main, root.note, root.closed, root.send, root.lostNote);
}

function sayButton(root) {
  if (!root.pad) return;
  const value = root.pad.value();
  const isSent = value !== null && JSON.stringify(rounded(value)) === JSON.stringify(rounded(JSON.parse(root.sent ?? "null")));
  root.send.disabled = value === null || isSent || root.waits;
  root.send.textContent = root.waits ? "Sending ..." : isSent ? "Sent. You can still change it" : root.data.answer === null ? "Send" : "Send again";
}

// Numbers that came back from the server are the same to the pixel.
const rounded = (value) => (Array.isArray(value) ? value.map(rounded) : value === null ? null : Math.round(1000 * value));

function waiting({ message, detail }) {
  return [element("div", "look-up", element("p", "large", message), element("p", "", detail))];
}

function reveal({ reveal: { own, sentences, figures, bars }, picture, answer, question, ask }) {
  const nodes = own ? [element("p", "own", own)] : [];
  if (picture && figures.length) nodes.push(switched(picture, figures, question?.kind === "look" && !question.boxes ? answer ?? [] : [], ask));
  if (bars.length) nodes.push(barsOf(bars));
  return [...nodes, ...paragraphsOf(sentences)];
}

// One figure at a time, and buttons that choose it.
function switched(picture, figures, taps, ask) {
  const place = element("div", "shown");
  const buttons = figures.map(({ short }, number) => {
    const button = pressable("plain", "", short);
    button.onclick = () => show(number);
    return button;
  });
  const show = (number) => {
    place.replaceChildren(figureOf(picture, figures[number], `${figures[number].title}. ${ask}`, taps));
    buttons.forEach((button, n) => button.setAttribute("aria-pressed", n === number));
  };
  show(0);
  return element("div", "switched", place, element("div", "choice", ...(buttons.length > 1 ? buttons : [])));
}
