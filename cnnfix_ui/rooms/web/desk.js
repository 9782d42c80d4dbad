// How many have answered, live, on the teacher's desk.
import { element } from "../../components/dom.js";
import { watchRoom } from "./watching.js";

// Runs again whenever Python sends other data.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".desk");
  if (!root.count) {
    root.count = element("p", "count");
    root.lostNote = element("p", "lost", "Connection lost, trying again ...");
    root.lostNote.setAttribute("role", "alert");
    root.lostNote.hidden = true;
    root.replaceChildren(root.count, root.lostNote);
  }
  const show = ({ answered, present }) => {
    const words = data.asks ? [element("b", "", String(answered)), ` of ${present} answered`] : [element("b", "", String(present)), " in the room"];
    root.count.replaceChildren(...words);
  };
  watchRoom(root, data.watch, (version) => setTriggerValue("changed", version), show, root.lostNote);
}
