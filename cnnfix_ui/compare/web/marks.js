// Boxes and strokes on the photographs: Python's, or what was just drawn and Python has not yet heard of. Strokes are
// kept under the name of their picture, boxes under that of a picture and a class.
const MOST_BACK = 50;

// changed(): called when there is something else to draw.
export function createMarks(send, changed) {
  const given = { boxes: {}, strokes: {} };
  const kept = { boxes: new Map(), strokes: new Map() };
  const before = [];
  let draft = null;

  const settled = (kind, key) => kept[kind].get(key)?.items ?? given[kind][key] ?? [];
  const keys = (kind) => Object.keys(given[kind]).filter((key) => settled(kind, key).length > 0);
  const put = (kind, key, items) => {
    kept[kind].set(key, { items, number: send({ do: kind, on: key, [kind]: items }) });
    changed();
  };
  return {
    // The one that is chosen to be changed or removed: {key, number} or null.
    selected: null,
    of: (kind, key) => (draft?.kind === kind && draft.key === key ? draft.items : settled(kind, key)),
    settled,
    get drafting() { return draft !== null; },
    draft: (kind, key, items) => {
      draft = { kind, key, items };
      changed();
    },
    drop: () => {
      draft = null;
      changed();
    },
    put: (kind, key, items) => {
      draft = null;
      before.push([kind, key, settled(kind, key)]);
      if (before.length > MOST_BACK) before.shift();
      put(kind, key, items);
    },
    canUndo: () => before.length > 0,
    undo() {
      if (!before.length) return;
      this.selected = null;
      put(...before.pop());
    },
    any: (kind) => keys(kind).length > 0,
    clear(kind) {
      for (const key of keys(kind)) this.put(kind, key, []);
    },
    receive: (data, heard) => {
      given.boxes = data.truth;
      given.strokes = data.strokes;
      for (const all of Object.values(kept)) {
        for (const [key, { number }] of all) if (number <= heard) all.delete(key);
      }
    },
  };
}
