"""What a person does in the grid. Events come from the browser: invalid ones change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnnfix_core.methods import METHODS
from cnnfix_ui.compare import cells, state
from cnnfix_ui.compare.changes import BRUSHED
from cnnfix_ui.compare.grid_data import Grid, photo_key, truth_key


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
        case {"do": "boxes", "on": str(key), "boxes": list(boxes)}:
            case = next(case for case in grid.asked if truth_key(case) == key)
            state.draw_boxes(case.question.picture, case.target.index, boxes)
        case {"do": "strokes", "on": str(key), "strokes": list(strokes)}:
            state.paint(next(case for case in grid.asked if photo_key(case) == key).question.picture, strokes)
        case _:
            _arrange(grid, event)


def _arrange(grid: Grid, event: dict[str, Any]) -> None:
    """Change columns and rows."""
    match event:
        case {"do": "swap", "column": int(column), "method": str(method)} if method in METHODS and column >= 0:
            state.swap(column, method)
        case {"do": "add", "method": str(method)} if method in METHODS:
            state.add_method(method)
        case {"do": "remove", "column": int(column)} if column >= 0:
            state.remove("methods", column)
        case {"do": "undo"}:
            state.undo()
        case {"do": "remove_row", "row": int(row)} if row > 0:
            _remove_row(grid, row)
        case {"do": "ask", "row": int(row), "class": int(wanted)} if row >= 0 and wanted >= 0:
            state.ask_for(row, wanted)


def _remove_row(grid: Grid, row: int) -> None:
    question = grid.cases[row].question
    if question.change == BRUSHED:
        state.paint(question.picture, [])
    else:
        state.remove("rows", row - 1)


def _cell(grid: Grid, name: str) -> cells.GridCell:
    return next(shown.cell for shown in grid.maps if shown.cell.id == name)


def _pin(cell: cells.GridCell) -> None:
    pin = cell.method, cell.case.question
    if pin not in state.state("pins"):
        state.keep("pins", (*state.state("pins"), pin))


def _unpin(cell: cells.GridCell) -> None:
    pin = cell.method, cell.case.question
    state.keep("pins", tuple(one for one in state.state("pins") if one != pin))


_ON_CELLS: dict[str, Callable[[cells.GridCell], None]] = {
    "pin": _pin,
    "unpin": _unpin,
    "stop": lambda cell: cells.stop([cell]),
    "again": cells.resume,
}
