// Asks the server again and again whether the room has changed. Streamlit runs the page again only then.
// Milliseconds until the page is asked once more to run, should the first time be lost. Twice as long each time: a page
// that is slow, not lost, begins anew when it is asked again, and would never end.
const AGAIN = 4000;
const FAILURES = 2; // answers until a person is told

// root: of the component, which lives as long as the screen does. tell: makes the page run. show: takes the counts.
export function watchRoom(root, { key, version }, tell, show, banner) {
  if (root.watch?.version !== version) { root.told = 0; root.patience = AGAIN; } // the page has run
  root.watch = { key, version, tell, show, banner };
  if (root.asking) return;
  root.asking = true;
  root.failed = 0;
  ask(root);
}

async function ask(root) {
  if (!root.isConnected) { root.asking = false; return; }
  const seconds = await once(root);
  setTimeout(() => ask(root), 1000 * seconds * (0.9 + 0.2 * Math.random())); // not all phones at once
}

async function once(root) {
  try {
    const answer = await fetch("class-moment", { headers: { "X-Class-Key": root.watch.key }, signal: AbortSignal.timeout(8000) });
    root.failed = 0;
    root.watch.banner.hidden = true;
    const found = answer.ok ? await answer.json() : { version: "ended", seconds: 3 };
    if (answer.ok) root.watch.show(found);
    if (found.version !== root.watch.version && Date.now() > root.told) {
      root.told = Date.now() + root.patience;
      root.patience *= 2;
      root.watch.tell(found.version);
    }
    return found.seconds;
  } catch {
    root.failed += 1;
    root.watch.banner.hidden = root.failed < FAILURES;
    return 2;
  }
}
