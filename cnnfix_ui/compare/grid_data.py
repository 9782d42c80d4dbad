"""The data from which the scripts in web/ draw the grid in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnfix_core.methods import METHODS, Attribution
from cnnfix_core.metrics import Box, GroundTruth, Numbers, in_a_line, numbers
from cnnfix_core.regions import BANDS
from cnnfix_core.utils import percent
from cnnfix_core.visualization import BAND_COLOURS, BAND_OPACITY, LEGEND_TEXT, MOST_POINTS
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.compare.cells import CellStatus
from cnnfix_ui.compare.changes import strokes_on
from cnnfix_ui.compare.map_data import map_data
from cnnfix_ui.compare.questions import CompareQuestion
from cnnfix_ui.compare.state import boxed_text, boxes_on, can_undo, has_room, state
from cnnfix_ui.components.kept import kept_with_first
from cnnfix_ui.components.panels.component import photo_uri
from cnnfix_ui.widgets import controls

_POINTS_SENT = MOST_POINTS // 10


@dataclass(frozen=True)
class Grid:
    """All cells: rows by columns, row by row; the pinned ones; and the baselines of each picture."""

    base: CompareQuestion
    cases: Sequence[Case]
    cells: Sequence[CellStatus]
    pinned: Sequence[CellStatus]
    baselines: Sequence[CellStatus]

    @property
    def maps(self) -> list[CellStatus]:
        """The cells that the grid shows, the pinned ones first."""
        return [*self.pinned, *self.cells]

    @property
    def asked(self) -> list[Case]:
        """What the maps explain: the rows', then the pinned ones'."""
        return [*self.cases, *(shown.cell.case for shown in self.pinned)]

    @property
    def measured(self) -> list[CellStatus]:
        """The cells in tables and curves: the maps, then the baselines."""
        return [*self.maps, *self.baselines]

    def row(self, number: int) -> list[CellStatus]:
        """The cells of a row."""
        return [shown for shown in self.cells if shown.cell.row == number]

    @property
    def reference(self) -> CellStatus:
        """The cell that the others are compared with: the first pinned one, otherwise the first cell."""
        return self.maps[0]


def grid_data(grid: Grid, tool: str, brush: int) -> dict[str, Any]:
    """The grid for the browser. tool: what the pointer does. brush: its radius in pixels of the picture."""
    columns: list[str] = list(state("methods"))
    return {
        "photos": {
            photo_key(case): {
                "uri": photo_uri(case.picture),
                "width": case.picture.width,
                "height": case.picture.height,
                "title": case.question.picture,
            }
            for case in grid.asked
        },
        "columns": [{"name": name, "title": METHODS[name].title, "about": METHODS[name].about} for name in columns],
        "rows": [
            _row(case, grid.base, name)
            for name, case in zip(["", *(row.text for row in state("rows"))], grid.cases, strict=True)
        ],
        "cells": [{**_cell(shown), "column": shown.cell.column, "row": shown.cell.row} for shown in grid.cells],
        "pinned": [_cell(shown) for shown in grid.pinned],
        "reference": grid.reference.cell.id,
        "methods": [
            {
                "name": method.name,
                "title": method.title,
                "family": method.family,
                "words": f"{method.name} {method.source} {method.about}",
                "reason": grid.cases[0].reasons[method.name],
            }
            for method in METHODS.values()
        ],
        "room": has_room(columns=1),
        "undo": can_undo(),
        "view": state("view"),
        "scale": state("scale"),
        "opacity": state("opacity") / 100,
        "show_points": state("points"),
        "show_boxes": True,
        "tool": tool,
        "brush": brush,
        "truth": {_boxes_key(case): truth_of(case) for case in grid.asked},
        "strokes": {case.question.picture: strokes_on(case.question.picture) for case in grid.asked},
        "legendText": LEGEND_TEXT,
        "bands": [
            {"share": share, "colour": colour, "opacity": opacity}
            for share, colour, opacity in zip(BANDS, BAND_COLOURS, BAND_OPACITY, strict=True)
        ],
        "alt": words(grid),
    }


def photo_key(case: Case) -> str:
    """The photograph's name in the browser; a changed picture has another."""
    return case.picture.digest[:16]


def truth_key(case: Case) -> str:
    """The same for all cases with the same photograph and class."""
    return f"{photo_key(case)}:{case.target.index}"


def _boxes_key(case: Case) -> str:
    """The name of a picture's boxes in the browser; each class has its own."""
    return boxed_text(case.question.picture, case.target.index)


def truth_of(case: Case) -> tuple[Box, ...]:
    """The ground truth boxes of what is explained: of the first class of a contrast."""
    return boxes_on(case.question.picture, case.target)


def words(grid: Grid) -> str:
    """A description of the grid for screen readers."""
    done = sum(shown.state == "done" for shown in grid.cells)
    return f"Maps: {len(grid.cells)}, ready: {done}, methods: {len(state('methods'))}, questions: {len(grid.cases)}."


def numbers_of(shown: CellStatus) -> Numbers | None:
    """The map's scores against the boxes of its class, NaN without boxes; None if there is no map yet."""
    picture, boxes = shown.cell.case.picture, truth_of(shown.cell.case)
    return None if shown.found is None else _numbers(shown.found, picture.width, picture.height, boxes)


# The page is redrawn about once a second while maps are computed, so what does not change is cached.
@kept_with_first
def _numbers(found: Attribution, width: int, height: int, boxes: tuple[Box, ...]) -> Numbers:
    return numbers(found, GroundTruth(width, height, boxes))


@kept_with_first
def _drawn(found: Attribution) -> dict[str, Any]:
    return map_data(found.map)


def note(shown: CellStatus) -> str:
    """The scores as a line under the map; "" if there are none."""
    found, cut = numbers_of(shown), shown.cut_out
    parts = [] if found is None else [in_a_line(found)]
    parts += [] if cut is None else [f"cut-out {percent(cut.area)}"]
    line = ", ".join(filter(None, parts))
    return line[:1].upper() + line[1:]


def _row(case: Case, base: CompareQuestion, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "title": case.title,
        "detail": case.detail(base),
        "photo": photo_key(case),
        "removable": bool(name),
        "class": case.target.index,
        "classes": [
            {"value": one.index, "title": one.label, "detail": percent(one.probability)}
            for one in controls.listed(case)
        ],
    }


def _cell(shown: CellStatus) -> dict[str, Any]:
    cell, found = shown.cell, shown.found
    return {
        "id": cell.id,
        "pinned": (cell.method, cell.case.question) in state("pins"),
        "title": METHODS[cell.method].title,
        "subtitle": cell.case.title,
        "photo": photo_key(cell.case),
        "truth": _boxes_key(cell.case),
        "strokes": cell.case.question.picture,
        "state": shown.state,
        "progress": shown.share,
        "message": shown.message,
        "map": None if found is None else _drawn(found),
        "points": [] if found is None else _points(found),
        "box": None if found is None else found.box,
        "cut": None if shown.cut_out is None else shown.cut_out.outline,
        "layer": None if found is None else found.layer,
        "note": note(shown),
    }


def _points(found: Attribution) -> list[tuple[int, int, float]]:
    if found.fixations is None or not state("points"):
        return []
    rows = zip(found.fixations.xy.tolist(), found.fixations.evidence.tolist(), strict=True)
    return [(x, y, float(f"{evidence:.4g}")) for (x, y), evidence in list(rows)[:_POINTS_SENT]]
