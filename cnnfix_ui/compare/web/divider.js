// Left of it the reference, right of it the cell's own map; one place for all cells.
function listenToDivider(app, stage, divider) {
  const follow = (event) => {
    const box = stage.getBoundingClientRect();
    app.divide((event.clientX - box.left) / box.width);
  };
  divider.onpointerdown = (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    follow(event);
  };
  divider.onpointermove = (event) => { if (divider.hasPointerCapture(event.pointerId)) follow(event); };
}
