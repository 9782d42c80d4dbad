// A picture to mark: places that are tapped, or one box, and a button that sends them. Without a button it only shows them.
import { element, pressable, showAt } from "../dom.js";
import { addStage, begin, describe, draw, undo } from "./stage.js";

// Runs again whenever Python sends other data. Texts enter the page as text only, never as markup.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".taps");
  if (!root.stage) build(root);
  const given = JSON.stringify([data.photo, data.points, data.box, data.button]);
  if (root.given !== given) begin(root, data);
  root.given = given;
  root.data = { ...data, marking: Boolean(data.button) };
  root.send = () => setTriggerValue("sent", { points: root.points, box: root.box });
  root.style.setProperty("--ratio", data.width / data.height);
  showAt(root.photo, data.photo);
  describe(root.stage, root.data);
  drawOverlays(root, data.overlays);
  root.tools.hidden = !(data.button && data.boxes && data.limit);
  root.foot.hidden = !data.button;
  root.button.textContent = data.button;
  draw(root);
}

function build(root) {
  addStage(root, () => say(root));
  root.choice = element("div", "row choice");
  root.tools = element("div", "row tools", tool(root, "Places", false), tool(root, "One box", true));
  root.status = element("p", "status");
  root.status.setAttribute("aria-live", "polite");
  root.button = pressable("send", "");
  root.button.onclick = () => root.send();
  root.undo = pressable("plain", "", "Undo");
  root.undo.onclick = () => undo(root);
  root.foot = element("div", "row foot", root.button, root.undo, root.status);
  root.replaceChildren(root.tools, root.stage, root.choice, root.foot);
}

function tool(root, words, boxing) {
  const node = pressable("plain", "", words);
  node.boxing = boxing;
  node.onclick = () => {
    root.boxing = boxing;
    [root.points, root.box, root.corner] = [[], null, null];
    draw(root);
  };
  return node;
}

function drawOverlays(root, overlays) {
  const content = JSON.stringify(overlays);
  if (root.overlays === content) return; // else the one that a person chose stays
  root.overlays = content;
  root.layers.replaceChildren(...overlays.map(({ image }) => {
    const node = element("img", "");
    node.src = image;
    node.alt = ""; // the stage says it
    return node;
  }));
  root.choice.hidden = overlays.length < 2;
  root.choice.replaceChildren(...overlays.map(({ name }, number) => {
    const node = pressable("plain", "", name);
    node.onclick = () => show(root, number);
    return node;
  }));
  show(root, 0);
}

function show(root, number) {
  [...root.layers.children].forEach((image, n) => { image.hidden = n !== number; });
  [...root.choice.children].forEach((node, n) => node.setAttribute("aria-pressed", n === number));
}

function say(root) {
  for (const node of root.tools.children) node.setAttribute("aria-pressed", node.boxing === root.boxing);
  root.button.disabled = !root.points.length && !root.box;
  root.undo.disabled = root.button.disabled;
  const words = status(root);
  if (root.status.textContent !== words) root.status.textContent = words;
}

function status({ data, points, box, boxing, full, cursor }) {
  const here = cursor ? ` Cursor ${Math.round(100 * cursor[0])} % from the left, ${Math.round(100 * cursor[1])} % down.` : "";
  if (boxing) return (box ? `Box of ${box[2] + 1 - box[0]} × ${box[3] + 1 - box[1]} pixels.` : "Drag a box.") + here;
  if (full) return `All ${data.limit} are placed: tap one to take it away.${here}`;
  return `${points.length} of ${data.limit} ${data.limit === 1 ? "place" : "places"}.${here}`;
}
