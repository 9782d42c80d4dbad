"""The cells of the grid: each is one method applied to one question, and a job that computes it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import streamlit as st

from cnnfix_core import Preset
from cnnfix_core.methods import METHODS, Attribution
from cnnfix_core.metrics import Curves
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.server import questions, shared_jobs
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.widgets.controls import WalkSettings

CellState = Literal["waiting", "running", "done", "failed", "stopped", "unfit"]
_STOPPED = "compare.stopped"

Work = Callable[[Job], Any]


@dataclass(frozen=True)
class GridCell:
    """One method applied to one question. settings: of the evidence walk. column, row: None if it is pinned."""

    method: str
    case: Case
    settings: WalkSettings
    column: int | None = None
    row: int | None = None

    @property
    def key(self) -> Hashable:
        """The same for all visitors with the same request."""
        return self.method, self.case.network.key, self.case.picture.digest, self.case.asked, self.settings

    @property
    def id(self) -> str:
        """Its name in the browser."""
        return f"{self.method}:{self.case.question.text}"

    @property
    def reason(self) -> str:
        """Why the method does not fit; "" if it does."""
        return self.case.reasons[self.method]

    def compute(self, job: Job) -> Attribution:
        """Compute the map."""
        case, crops = self.case, self.settings.crops
        return case.network.ask(
            questions.drawn, case.picture, case.asked, self.method, crops, self._preset(), report=job.report
        )

    def _preset(self) -> Preset | None:
        """The page's settings, at the method's own depth; None for other methods and for the published walk."""
        own = METHODS[self.method].preset
        if own is None or own.name != self.settings.preset:
            return None
        return replace(self.settings.as_preset(), depth=own.depth)

    def measure(self, found: Attribution) -> Work:
        """A job that computes insertion and deletion for its map."""
        case = self.case
        return lambda job: case.network.ask(questions.measured, case.picture, found.map, case.asked, report=job.report)


@dataclass(frozen=True)
class CellStatus:
    """A cell with its state, its progress (0 to 1), and its result or message.

    ended: nothing more will be computed.
    """

    cell: GridCell
    state: CellState
    share: float = 0.0
    found: Attribution | None = None
    message: str = ""
    curves: Curves | None = None
    ended: bool = True


def request(cells: Iterable[GridCell], with_curves: bool) -> list[CellStatus]:
    """Request all cells, quick methods first, and return their status. with_curves: insertion and deletion too."""
    cells = list(cells)
    wanted = [cell for cell in cells if cell.key not in _stopped() and not cell.reason]
    wanted.sort(key=lambda cell: METHODS[cell.method].slow)
    tasks: dict[Hashable, Work] = {cell.key: cell.compute for cell in wanted}
    asked = shared_jobs.request(tasks)
    if with_curves:
        done = [cell for cell in wanted if asked[cell.key].state == "done"]
        measures = {("curves", cell.key): cell.measure(asked[cell.key].result) for cell in done}
        asked = shared_jobs.request(tasks | measures)
    return [_shown(cell, asked, with_curves) for cell in cells]


def stop(found: Iterable[GridCell]) -> None:
    """Stop these cells until `resume`."""
    _stopped().update(cell.key for cell in found)


def resume(cell: GridCell) -> None:
    """Request a stopped or failed cell again."""
    _stopped().discard(cell.key)


def _shown(cell: GridCell, asked: Mapping[Hashable, Job], with_curves: bool) -> CellStatus:
    if reason := cell.reason:
        return CellStatus(cell, "unfit", message=reason)
    job = asked.get(cell.key)
    if job is None:
        return CellStatus(cell, "stopped")
    found = job.result if job.state == "done" else None
    measured = asked.get(("curves", cell.key)) if with_curves and found else None
    return CellStatus(
        cell,
        job.state,
        job.share,
        found,
        job.message or (measured.message if measured else ""),
        measured.result if measured else None,
        job.ended and (measured is None or measured.ended) and not (with_curves and found and measured is None),
    )


def _stopped() -> set[Hashable]:
    kept: set[Hashable] = st.session_state.setdefault(_STOPPED, set())
    return kept
