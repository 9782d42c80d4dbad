// What both phones and the board show of a reveal.
import { element } from "../../components/dom.js";

// How many gave which answer.
export function barsOf(bars) {
  const all = bars.reduce((sum, [, count]) => sum + count, 0);
  const list = element("ul", "bars", ...bars.map(([label, count, right]) => {
    const row = element("li", right ? "bar right" : "bar",
      element("span", "label", right ? `✓ ${label}` : label), element("span", "track"), element("span", "count", String(count)));
    row.style.setProperty("--share", all ? count / all : 0);
    return row;
  }));
  return list;
}

export const paragraphsOf = (texts) => texts.map((text) => element("p", "", text));

// Texts of a lesson, in the few styles that they may have.
export function proseOf(paragraphs) {
  return paragraphs.map(({ mark, spans }) => element("p", mark ? "entry" : "", mark ? `${mark} ` : "",
    ...spans.map(({ text, bold, italic, code }) => element(bold ? "strong" : italic ? "em" : code ? "code" : "span", "", text))));
}
