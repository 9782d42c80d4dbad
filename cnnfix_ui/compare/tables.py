"""The tables below the grid: box scores, agreement between methods, insertion and deletion."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan
from typing import Any

import streamlit as st

from cnnfix_core.methods import METHODS, Attribution
from cnnfix_core.metrics import Numbers, overlap, rank_correlation
from cnnfix_core.utils import percent
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.compare.cells import CellStatus
from cnnfix_ui.compare.grid_data import Grid, numbers_of, truth_of
from cnnfix_ui.compare.state import drawn_boxes, sample_object

TableRow = dict[str, Any]

READING = (
    "Peak: whether the map's strongest place is in a box. Energy: the share of the map in the boxes. Evidence: the "
    "share of the fixations' evidence in the boxes. IoU: overlap of the method's own box with the best matching box. "
    "The last rows are baselines, a blob in the centre and smooth noise: a large box is easy to hit."
)
_NONE = "–"


def box_scores(grid: Grid) -> list[TableRow]:
    """One row per map: its scores against the boxes on its picture; the baselines of each picture come last.

    Maps that are not ready, and those of classes without a box, have no row.
    """
    found = ((one, numbers_of(one)) for one in grid.measured)
    return [_names(one, grid) | _box_scores(said) for one, said in found if said is not None and not isnan(said.peak)]


def about_boxes(grid: Grid) -> str:
    """What the boxes are around, for each class that is asked about; or that it has none yet."""
    return " ".join(dict.fromkeys(_about_box(case) for case in grid.cases))


def _about_box(case: Case) -> str:
    label, boxes = f"“{case.target.label}”", truth_of(case)
    several = len(boxes) > 1
    if not boxes:
        return f"No box for {label} on this picture: choose Draw a box and draw one."
    if drawn_boxes(case.question.picture, case.target):
        return f"{'Boxes' if several else 'Box'} of {label}: drawn by you."
    meant = sample_object(case.question.picture, case.target)
    return f"{'Boxes' if several else 'Box'} of {label}: around the {meant.name if meant else 'object'}."


def _box_scores(found: Numbers) -> TableRow:
    return {
        "Peak in box": "yes" if found.peak else "no",
        "Energy in box": percent(found.energy),
        "Evidence in box": _NONE if isnan(found.evidence) else percent(found.evidence),
        "IoU of its box": f"{found.iou:.2f}",
        "Area of boxes": percent(found.covered),
    }


def method_agreement(grid: Grid) -> list[TableRow]:
    """A square table of the first row's maps: how much each pair agrees."""
    found = [shown for shown in grid.row(0) if shown.found]
    if len(found) < 2:
        return []
    titles = [METHODS[shown.cell.method].title for shown in found]
    return [
        {"Method": title}
        | {other: "" if one is two else _agree(one, two) for other, two in zip(titles, found, strict=True)}
        for title, one in zip(titles, found, strict=True)
    ]


def map_changes(grid: Grid) -> list[TableRow]:
    """One row per further question: how much each method's map agrees with its map for the first question."""
    first = {shown.cell.method: shown for shown in grid.row(0)}
    rows = []
    for number, case in enumerate(grid.cases[1:], start=1):
        agree = {METHODS[one.cell.method].title: _agree(first[one.cell.method], one) for one in grid.row(number)}
        rows.append({"Question": f"{case.title}, {case.detail(grid.base)}", **agree})
    return rows


def areas(grid: Grid) -> list[TableRow]:
    """One row per map: the areas under its curves."""
    return [
        {
            **_names(one, grid),
            "Insertion": _figure(one.curves.insertion_area),
            "Deletion": _figure(one.curves.deletion_area),
        }
        for one in grid.measured
        if one.curves is not None
    ]


def table(rows: Sequence[TableRow]) -> None:
    """Draw a table."""
    st.table(rows, hide_index=True, border="horizontal")


def _names(shown: CellStatus, grid: Grid) -> TableRow:
    """The method, and the question if there are several."""
    case = shown.cell.case
    several = len(grid.cases) + len(grid.pinned) > 1
    question = {"Question": f"{case.title}, {case.detail(grid.base)}"} if several else {}
    return {"Method": METHODS[shown.cell.method].title} | question


def _agree(one: CellStatus, two: CellStatus) -> str:
    if one.found is None or two.found is None:
        return _NONE
    rank, common = _agreement(f"{one.cell.key} {two.cell.key}", one.found, two.found)
    return f"{_figure(rank)} ({_NONE if isnan(common) else percent(common)})"


@st.cache_data(max_entries=1024, show_spinner=False)
def _agreement(key: str, _one: Attribution, _two: Attribution) -> tuple[float, float]:
    """Rank correlation, and the common share of the strongest places. key: identifies the two maps."""
    if _one.map.shape != _two.map.shape:  # of two pictures
        return nan, nan
    return rank_correlation(_one.map, _two.map), overlap(_one.map, _two.map)


def _figure(value: float) -> str:
    return _NONE if isnan(value) else f"{value:.2f}"
