// Above the photograph: what the step is in words, what it does, and what the network's own code calls it.
import { element } from "../../components/dom.js";

export function createWhere(playback) {
  const node = element("header", "where");
  const update = (view) => {
    const { title, purpose, module, shape } = playback.steps[view.step];
    const block = playback.blocks[view.blockOf(view.step)];
    const second = [["", [block.title, block.kind].filter(Boolean).join(", ")], ["own", module], ["", shape]];
    node.replaceChildren(
      element("p", "full", element("strong", "", title), purpose && ` ${purpose}`),
      element("p", "kind", ...second.filter(([, words]) => words).map(([name, words]) => element("span", name, words))),
    );
  };
  return { node, update };
}
