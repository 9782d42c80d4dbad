"""What is measured of a map once it is there, each only if the visitor asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cnnfix_core import Preset
from cnnfix_core.images import Crops
from cnnfix_core.methods import Attribution
from cnnfix_core.metrics.robustness import SAMPLES
from cnnfix_ui.compare.cases import Case
from cnnfix_ui.compare.cut_outs import cut
from cnnfix_ui.server import questions
from cnnfix_ui.server.jobs import Job

Work = Callable[[Job], Any]
_WORTH_SAYING = 5.0  # seconds


@dataclass(frozen=True)
class DrawnMap:
    """A map, and what it was drawn with."""

    found: Attribution
    case: Case
    crops: Crops | None
    preset: Preset | None

    def ask(self, question: Callable[..., Any], *args: object) -> Work:
        """A job that asks the network a question about the picture."""
        return lambda job: self.case.network.ask(question, self.case.picture, *args, report=job.report)


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        work: makes the job for a map.
        maps: how many more maps like the one that is there it takes; that says how long, before it begins.
    """

    work: Callable[[DrawnMap], Work]
    maps: int = 0

    def seconds(self, found: Attribution) -> float:
        """About how long it takes for a map, as far as that is known beforehand."""
        return self.maps * found.seconds


def _cut_out(of: DrawnMap) -> Work:
    return lambda _: cut(of.case.picture, of.found.map)


def _curves(of: DrawnMap) -> Work:
    return of.ask(questions.measured, of.found.map, of.case.asked)


def _road(of: DrawnMap) -> Work:
    return of.ask(questions.road_of, of.found.map, of.case.asked)


def _sensitivity(of: DrawnMap) -> Work:
    return of.ask(questions.sensitivity, of.case.asked, of.found.method, of.crops, of.preset)


# By the name of the setting that asks for it.
MEASURES = {
    "cuts": Measure(_cut_out),
    "curves": Measure(_curves),
    "road": Measure(_road),
    "sensitivity": Measure(_sensitivity, maps=SAMPLES + 1),
}


def worth_saying(seconds: float) -> bool:
    """Whether somebody who waits so long wants to know how long."""
    return seconds > _WORTH_SAYING
