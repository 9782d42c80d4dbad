"""What the tables say of each method: one number a row, its mean over pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cnnfix_core.benchmark.results import BenchmarkRow


@dataclass(frozen=True, slots=True)
class Measure:
    """One table. title: what its numbers are. value: of a row, NaN where it has none. digits: after the point.

    higher: whether more is better. typical: the median is shown, without an interval, in place of the mean.
    """

    title: str
    value: Callable[[BenchmarkRow], float]
    digits: int
    higher: bool
    typical: bool = False

    @property
    def heading(self) -> str:
        """Title and direction."""
        return f"{self.title} ({'higher' if self.higher else 'lower'} is better)"


MEASURES = (
    Measure("Localization error, top-1, %", lambda row: 100 * (1 - row.loc_top1), 1, higher=False),
    Measure("Localization error, class given, %", lambda row: 100 * (1 - row.loc_given), 1, higher=False),
    Measure("Pointing: peak inside, %", lambda row: 100 * row.peak, 1, higher=True),
    Measure("Energy inside, %", lambda row: 100 * row.energy, 1, higher=True),
    Measure("Insertion", lambda row: row.insertion, 3, higher=True),
    Measure("Deletion", lambda row: row.deletion, 3, higher=False),
    Measure("Seconds per map, median", lambda row: row.seconds, 2, higher=False, typical=True),
)
