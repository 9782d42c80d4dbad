// A place that was tapped before the maps were there, at which the panels then show them.
const ASKED = "cnnfix.reveal";
const READY = "cnnfix.panels";

// Reveal the maps as soon as there are any, and call `then`. It returns what gives up waiting.
export function revealAt(place, then) {
  const ask = () => {
    const event = new CustomEvent(ASKED, { detail: place, cancelable: true });
    if (document.dispatchEvent(event)) return false; // nobody answered
    document.removeEventListener(READY, ask);
    then();
    return true;
  };
  if (!ask()) document.addEventListener(READY, ask);
  return () => document.removeEventListener(READY, ask);
}

// Panels that can reveal their maps say so; it returns what ends that.
export function offerReveal(reveal) {
  const listen = (event) => { event.preventDefault(); reveal(event.detail); };
  document.addEventListener(ASKED, listen);
  document.dispatchEvent(new Event(READY));
  return () => document.removeEventListener(ASKED, listen);
}
