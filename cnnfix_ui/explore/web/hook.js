// The first visit: the photograph alone, one tap, and the panels below reveal where the network looked.
import { element, prefersStill, pressable } from "../../components/dom.js";
import { isRemembered, remember } from "../../components/remembered.js";
import { revealAt } from "../../components/reveal.js";
import { addStage, begin, describe, draw } from "../../components/taps/stage.js";

const SEEN = "cnnfix.hook";

// Runs again whenever Python sends other data. Texts enter the page as text only, never as markup.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".hook");
  const around = root.getRootNode().host?.closest('[data-testid="stElementContainer"]');
  if (around) around.style.position = "absolute"; // it takes no room on the page
  if (!data.photo || root.open || isRemembered(SEEN) || prefersStill()) return;
  build(root, data);
  root.tabIndex = -1;
  root.showModal();
  root.focus(); // rather than the picture, which would have a ring and a cursor
}

function build(root, data) {
  const words = element("p", "words", data.words);
  const skip = pressable("skip", "", data.skip);
  const close = () => { root.waiting?.(); remember(SEEN); root.close(); };
  addStage(root, () => {
    if (!root.points.length || !root.data.marking) return;
    root.data.marking = false;
    describe(root.stage, root.data);
    words.textContent = data.waiting;
    const [x, y] = root.points[0];
    root.waiting = revealAt([(x + 0.5) / data.width, (y + 0.5) / data.height], close);
  });
  root.data = { ...data, points: [], box: null, limit: 1, boxes: false, marking: true };
  root.style.setProperty("--ratio", data.width / data.height);
  root.photo.src = data.photo;
  begin(root, root.data);
  describe(root.stage, root.data);
  skip.onclick = close;
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
  }, { capture: true });
  root.oncancel = close;
  root.setAttribute("aria-label", data.title);
  root.replaceChildren(element("h2", "title", data.title), words, root.stage, skip);
  draw(root);
}
