"""The cells of the grid: each is one method applied to one question, and a job that computes it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import nan
from typing import Literal

import streamlit as st

from cnnfix_core import Preset
from cnnfix_core.methods import METHODS, Attribution
from cnnfix_core.metrics import Curves
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.compare.cut_outs import CutOut
from cnnfix_ui.compare.measures import MEASURES, DrawnMap, Work
from cnnfix_ui.compare.state import pin_text
from cnnfix_ui.server import questions, shared_jobs
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.widgets.controls import WalkSettings

CellState = Literal["waiting", "running", "done", "failed", "stopped", "unfit"]
_STOPPED = "compare.stopped"


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
        return pin_text((self.method, self.case.question))

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

    def drawn(self, found: Attribution) -> DrawnMap:
        """Its map, with what it was drawn with."""
        return DrawnMap(found, self.case, self.settings.crops, self._preset())

    def _preset(self) -> Preset | None:
        """The page's settings, at the method's own depth; None for other methods and for the published walk."""
        own = METHODS[self.method].preset
        if own is None or own.name != self.settings.preset:
            return None
        return replace(self.settings.as_preset(), depth=own.depth)


@dataclass(frozen=True)
class CellStatus:
    """A cell with its state, its progress (0 to 1), and its result or message.

    measured: the jobs of what is measured of its map, by the names of the settings that ask for them.
    ended: nothing more will be computed.
    """

    cell: GridCell
    state: CellState
    share: float = 0.0
    found: Attribution | None = None
    message: str = ""
    measured: Mapping[str, Job] = field(default_factory=dict)
    ended: bool = True

    @property
    def curves(self) -> Curves | None:
        """Insertion and deletion, as far as they are computed; None before."""
        job = self.measured.get("curves")
        return job.result if job and job.state != "failed" else None

    @property
    def cut_out(self) -> CutOut | None:
        """What is cut out from its map; None if that is not asked for, or not there yet."""
        job = self.measured.get("cuts")
        return job.result if job and job.state == "done" else None

    def number(self, measure: str) -> float:
        """A measure that is one number; NaN if it is not asked for, or not there yet."""
        job = self.measured.get(measure)
        return job.result if job and job.state == "done" else nan


def request(cells: Iterable[GridCell], measures: Sequence[str]) -> list[CellStatus]:
    """Request all cells, quick methods first, and return their status. measures: names in `MEASURES`."""
    cells = list(cells)
    wanted = [cell for cell in cells if cell.key not in _stopped() and not cell.reason]
    wanted.sort(key=lambda cell: METHODS[cell.method].slow)
    tasks: dict[Hashable, Work] = {cell.key: cell.compute for cell in wanted}
    asked = shared_jobs.request(tasks)
    if measures:
        done = [(cell, asked[cell.key].result) for cell in wanted if asked[cell.key].state == "done"]
        more = {(name, cell.key): MEASURES[name].work(cell.drawn(found)) for name in measures for cell, found in done}
        asked = shared_jobs.request(tasks | more)
    return [_shown(cell, asked, measures) for cell in cells]


def stop(found: Iterable[GridCell]) -> None:
    """Stop these cells until `resume`."""
    _stopped().update(cell.key for cell in found)


def resume(cell: GridCell) -> None:
    """Request a stopped or failed cell again."""
    _stopped().discard(cell.key)


def _shown(cell: GridCell, asked: Mapping[Hashable, Job], measures: Sequence[str]) -> CellStatus:
    if reason := cell.reason:
        return CellStatus(cell, "unfit", message=reason)
    job = asked.get(cell.key)
    if job is None:
        return CellStatus(cell, "stopped")
    found = job.result if job.state == "done" else None
    measured = {name: asked[name, cell.key] for name in measures if (name, cell.key) in asked}
    return CellStatus(
        cell,
        job.state,
        job.share,
        found,
        job.message,
        measured,
        job.ended and all(one.ended for one in measured.values()) and (found is None or len(measured) == len(measures)),
    )


def _stopped() -> set[Hashable]:
    kept: set[Hashable] = st.session_state.setdefault(_STOPPED, set())
    return kept
