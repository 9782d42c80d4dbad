// Heads of columns and rows, and their menus.
import { element, icon, pressable } from "../../components/dom.js";
import { ICONS } from "./icons.js";

export function createHead(app, what) {
  const title = element("span", "title");
  const detail = element("span", "detail");
  const button = pressable("open", "", element("span", "names", title, detail), icon(ICONS.down));
  const node = element("div", `head ${what}`, button);
  let sections = () => [];
  app.menu.on(button, () => title.textContent, () => sections());
  return {
    node,
    button,
    // entries(): the sections of its menu; none: nothing to open.
    take: (words, more, about, entries) => {
      title.textContent = words;
      detail.textContent = more;
      button.title = about;
      sections = entries;
      button.disabled = !entries().some((section) => section.entries.length);
    },
  };
}

export function takeColumn(app, head, column) {
  const { name, title, about } = app.data.columns[column];
  const alone = app.data.columns.length < 2 ? "The last column cannot be removed" : "";
  const removal = { label: "Remove this column", reason: alone, act: () => app.removeColumn(name) };
  head.take(title, "", about, () => [
    ...methodSections(app, name, (method) => app.send({ do: "swap", column: name, method })),
    { heading: "", entries: [removal] },
  ]);
}

export function takeRow(app, head, row) {
  const { name, title, detail, removable, class: wanted, classes = [] } = app.data.rows[row];
  const asks = classes.map((one) => ({
    label: one.title,
    detail: one.detail,
    checked: one.value === wanted,
    act: () => app.send({ do: "ask", row: name, class: one.value }),
  }));
  const removal = { label: "Remove this row", act: () => app.send({ do: "remove_row", row: name }) };
  const removals = { heading: "", entries: removable ? [removal] : [] };
  head.take(title, detail, "", () => [{ heading: "Explain", entries: asks }, removals]);
}

// By family, in the order of the methods. current: the one that is shown here, or null.
export function methodSections(app, current, act) {
  const shown = new Set(app.data.columns.map(({ name }) => name));
  const families = new Map();
  for (const { name, title, family, words, reason } of app.data.methods) {
    if (!families.has(family)) families.set(family, []);
    const why = reason || (current === null && shown.has(name) ? "Already in the grid" : "");
    const checked = current === null ? null : name === current;
    families.get(family).push({ label: title, words, checked, reason: why, act: () => act(name) });
  }
  return [...families].map(([heading, entries]) => ({ heading, entries }));
}
