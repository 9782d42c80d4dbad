"""Downloads of the grid: a figure and its numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import nan

from PIL import Image

from cnnfix_core.explanations import question
from cnnfix_core.methods import METHODS
from cnnfix_core.metrics import ColumnHeading, Measured, as_csv
from cnnfix_core.visualization import BOXES_TEXT, MOST_COLUMNS, FigureCell, grid, png
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.compare.cells import CellStatus
from cnnfix_ui.compare.changes import CHANGES
from cnnfix_ui.compare.grid_data import Grid, note, numbers_of, truth_of
from cnnfix_ui.compare.state import state
from cnnfix_ui.widgets import gallery, networks
from cnnfix_ui.widgets.downloads import downloads


def offer(found: Grid) -> None:
    """Draw the download buttons once there is a map."""
    if not any(shown.found for shown in found.maps):
        return
    sheet, rows = (
        _sheet(found),
        list(_rows(found)),
    )  # files are made outside the session, where its state is not available
    downloads({"compare.png": ("Figure", lambda: png(sheet())), "compare.csv": ("CSV", lambda: as_csv(rows))})


def _sheet(found: Grid) -> Callable[[], Image.Image]:
    """A function that draws all maps on one sheet, the pinned ones first."""
    first = found.cases[0]
    columns = len(found.row(0)) if len(found.cases) > 1 else MOST_COLUMNS
    pinned = [_cell(shown, found) for shown in found.pinned]
    placed = [_cell(shown, found) for shown in found.cells]
    filling = [None] * (-len(pinned) % columns)
    title = f"{question(first.target, first.rather_than)} {first.network.model.title}"
    return partial(grid, [*pinned, *filling, *placed], title, BOXES_TEXT, columns)


def _cell(shown: CellStatus, grid: Grid) -> FigureCell | None:
    case = shown.cell.case
    if shown.found is None:
        return None
    return FigureCell(
        case.picture,
        METHODS[shown.cell.method].title,
        shown.found.map,
        detail=f"{case.title}, {case.detail(grid.base)}",
        note=note(shown),
        fixations=shown.found.fixations if state("points") else None,
        box=shown.found.box,
        truth=truth_of(case),
        cut_out=None if shown.cut_out is None else shown.cut_out.mask,
    )


def _rows(found: Grid) -> Iterator[tuple[ColumnHeading, Measured]]:
    """One row per map, including the baselines, as `cnnfix compare --csv` writes it."""
    for shown in found.measured:
        one = _measured(shown)
        if one is not None:
            yield _heading(shown.cell.case), one


def _heading(case: Case) -> ColumnHeading:
    asked = case.question
    return ColumnHeading(
        networks.title_of(asked.model),
        gallery.title_of(asked.picture),
        case.target.label,
        "" if case.rather_than is None else case.rather_than.label,
        CHANGES[asked.change].row if asked.change else "",
    )


def _measured(shown: CellStatus) -> Measured | None:
    said, curves, cut = numbers_of(shown), shown.curves, shown.cut_out
    if shown.found is None or said is None:
        return None
    known = curves is not None and curves.share == 1
    return Measured(
        shown.found,
        said,
        curves.insertion_area if curves and known else nan,
        curves.deletion_area if curves and known else nan,
        shown.number("road"),
        shown.number("sensitivity"),
        None if cut is None else cut.mask,
        nan if cut is None else cut.area,
        nan if cut is None else cut.iou(truth_of(shown.cell.case)),
    )
