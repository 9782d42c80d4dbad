// Left of it the reference, right of it the cell's own map; one place for all cells.
import { placeOn } from "../../components/dom.js";

export function listenToDivider(app, stage, divider) {
  const follow = (event) => app.divide(placeOn(stage, event)[0]);
  divider.onpointerdown = (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    follow(event);
  };
  divider.onpointermove = (event) => { if (divider.hasPointerCapture(event.pointerId)) follow(event); };
}
