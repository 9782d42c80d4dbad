// One tab stop for a group of buttons: the arrow keys move within it.
import { hasModifier } from "../../components/dom.js";

const ALONG = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 };

// members(): the buttons, in order. keys: which of the arrow keys move.
export function rove(group, members, keys = ["ArrowLeft", "ArrowRight"]) {
  let entry = null; // the one that Tab reaches
  const settle = () => {
    const all = members();
    if (!all.includes(entry)) entry = all[0] ?? null;
    for (const member of all) member.tabIndex = member === entry ? 0 : -1;
  };
  const go = (member) => {
    entry = member;
    settle();
    member.focus();
  };
  group.addEventListener("focusin", (event) => {
    const member = event.target.closest("button, input");
    if (member && members().includes(member)) {
      entry = member;
      settle();
    }
  });
  group.addEventListener("keydown", (event) => {
    const all = members();
    const here = all.indexOf(event.target);
    if (here < 0 || hasModifier(event) || event.target.matches("input")) return;
    const last = all.length - 1;
    const to = { Home: 0, End: last }[event.key]
      ?? (keys.includes(event.key) ? (here + ALONG[event.key] + all.length) % all.length : -1);
    if (to < 0) return;
    event.preventDefault();
    go(all[to]);
  });
  return { settle, go };
}
