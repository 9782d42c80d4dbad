"""What a person does in the grid. Events come from the browser: invalid ones change nothing.

They name what they are about, since the browser may not show yet what other events have moved or removed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnfix_core.methods import METHODS
from cnnfix_ui.compare import cells, state
from cnnfix_ui.compare.grid_data import Grid
from cnnfix_ui.widgets.gallery import parse_picture


def act(grid: Grid, event: dict[str, Any]) -> None:
    """Change the state as the event says. grid: the one that the browser showed."""
    try:
        _take(grid, event)
    except (ValueError, TypeError, LookupError, StopIteration):
        return


def _take(grid: Grid, event: dict[str, Any]) -> None:
    match event:
        case {"do": "stop"} if "cell" not in event:
            cells.stop(shown.cell for shown in grid.maps if shown.state in ("waiting", "running"))
        case {"do": str(name), "cell": str(cell)} if name in _ON_CELLS:
            _ON_CELLS[name](_cell(grid, cell))
        case {"do": str(name), "cell": str(cell)} if name in _ON_PINS:
            _ON_PINS[name](state.parse_pin(cell))
        case {"do": "boxes", "on": str(key), "boxes": list(boxes)}:
            state.draw_boxes(*state.parse_boxed(key), boxes)
        case {"do": "strokes", "on": str(picture), "strokes": list(strokes)}:
            state.paint(parse_picture(picture), strokes)
        case _:
            _arrange(event)


def _arrange(event: dict[str, Any]) -> None:
    """Change columns and rows."""
    match event:
        case {"do": "swap", "column": str(column), "method": str(method)} if method in METHODS:
            state.swap(column, method)
        case {"do": "add", "method": str(method)} if method in METHODS:
            state.add_method(method)
        case {"do": "remove", "column": str(column)}:
            state.remove_method(column)
        case {"do": "undo"}:
            state.undo()
        case {"do": "remove_row", "row": str(row)}:
            state.remove_row(row)
        case {"do": "ask", "row": str(row), "class": int(wanted)} if wanted >= 0:
            state.ask_for(row, wanted)


def _cell(grid: Grid, name: str) -> cells.GridCell:
    return next(shown.cell for shown in grid.maps if shown.cell.id == name)


_ON_PINS: dict[str, Callable[[state.Pin], None]] = {"pin": state.pin, "unpin": state.unpin}
_ON_CELLS: dict[str, Callable[[cells.GridCell], None]] = {
    "stop": lambda cell: cells.stop([cell]),
    "again": cells.resume,
}
