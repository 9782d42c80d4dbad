// The hop panel and the feature maps beside each other, as backtrack's main.js puts them.
import { drawHop } from "../../cnnfix_ui/backtrack/web/hop.js";
import { drawMaps } from "../../cnnfix_ui/backtrack/web/maps.js";

export default function ({ data, parentElement, setTriggerValue }) {
  const [hop, photo, maps] = parentElement.querySelector(".frame").children;
  document.documentElement.style.fontSize = data.large ? "140%" : ""; // as for an audience
  const go = (detail) => setTriggerValue("gone", detail);
  const overlay = (canvas, extent, label) => {
    photo.replaceChildren(...(canvas ? [canvas] : []));
    photo.dataset.laid = canvas ? `${label} on ${extent}` : "nothing";
  };
  drawHop(hop, data.answer, go);
  drawMaps(maps, data.answer, go, overlay);
}
