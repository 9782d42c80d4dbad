// Boxes and strokes on the photographs: Python's, or what was just drawn and Python has not yet heard of.
const MOST_BACK = 50;

// changed(): called when there is something else to draw.
export function createMarks(send, changed) {
  const given = { boxes: {}, strokes: {} };
  const kept = { boxes: new Map(), strokes: new Map() };
  const before = [];
  let draft = null;

  const settled = (kind, photo) => kept[kind].get(photo)?.items ?? given[kind][photo] ?? [];
  const put = (kind, photo, items) => {
    kept[kind].set(photo, { items, number: send({ do: kind, photo, [kind]: items }) });
    changed();
  };
  return {
    // The one that is chosen to be changed or removed: {photo, number} or null.
    selected: null,
    of: (kind, photo) => (draft?.kind === kind && draft.photo === photo ? draft.items : settled(kind, photo)),
    settled,
    get drafting() { return draft !== null; },
    draft: (kind, photo, items) => {
      draft = { kind, photo, items };
      changed();
    },
    drop: () => {
      draft = null;
      changed();
    },
    put: (kind, photo, items) => {
      draft = null;
      before.push([kind, photo, settled(kind, photo)]);
      if (before.length > MOST_BACK) before.shift();
      put(kind, photo, items);
    },
    canUndo: () => before.length > 0,
    undo() {
      if (!before.length) return;
      this.selected = null;
      put(...before.pop());
    },
    any: (kind, photos) => photos.some((photo) => settled(kind, photo).length > 0),
    receive: (data, heard) => {
      given.boxes = data.truth;
      given.strokes = data.strokes;
      for (const all of Object.values(kept)) {
        for (const [photo, { number }] of all) if (number <= heard) all.delete(photo);
      }
    },
  };
}
