"""The measures in the tables: one number per row, averaged over pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cnnfix_core.benchmark.results import BenchmarkRow


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure, shown as a table.

    Attributes:
        title: Name of the measure.
        value: The number of a row; NaN if it has none.
        digits: Digits after the decimal point.
        higher: Whether higher is better.
        typical: Show the median, without an interval, instead of the mean.
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
    Measure("Energy on the other object, %", lambda row: 100 * row.other, 1, higher=False),
    Measure("Insertion", lambda row: row.insertion, 3, higher=True),
    Measure("Deletion", lambda row: row.deletion, 3, higher=False),
    Measure("Cut-out: IoU with the object", lambda row: row.cut_out, 3, higher=True),
    Measure("ROAD", lambda row: row.road, 3, higher=True),
    Measure("Sensitivity to noise", lambda row: row.sensitivity, 3, higher=False),
    Measure("Seconds per map, median", lambda row: row.seconds, 2, higher=False, typical=True),
)
# Where a scene has two objects.
OF_PAIRS = tuple(measure for measure in MEASURES if measure.title.startswith(("Pointing", "Energy")))
