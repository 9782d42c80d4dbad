// What this browser alone remembers between visits: that something was seen.
const seen = new Set(); // for this visit, where a browser forbids its storage

export function isRemembered(name) {
  try { return seen.has(name) || localStorage.getItem(name) !== null; } catch { return seen.has(name); }
}

export function remember(name) {
  seen.add(name);
  try { localStorage.setItem(name, "seen"); } catch { /* then it is asked again at the next visit */ }
}
