"""Summarise rows: a mean with its interval for each measure, model and method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats
from cnnfix_core.benchmark.results import BenchmarkRow
from cnnfix_core.benchmark.statistics.measures import Measure
from cnnfix_core.methods import BASELINES
from cnnfix_core.metrics import Interval, interval, resampled_means


@dataclass(frozen=True, slots=True)
class SummaryCell:
    """One method on one model by one measure.

    Attributes:
        value: The mean.
        clear: Whether it is better than every other method, with an interval of each paired difference that excludes 0.
        against: The paired difference to another method, if requested.
    """

    value: Interval
    clear: bool
    against: Interval | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The cells of one measure by (model, method); pairs without rows are missing."""

    measure: Measure
    models: tuple[str, ...]
    methods: tuple[str, ...]
    cells: dict[tuple[str, str], SummaryCell]

    @property
    def known(self) -> bool:
        """Whether any row has a number."""
        return any(cell.value.count for cell in self.cells.values())


def methods_of(rows: Sequence[BenchmarkRow]) -> tuple[str, ...]:
    """Methods in order of appearance, baselines last."""
    names = dict.fromkeys(row.method for row in rows)
    return (*(name for name in names if name not in BASELINES), *(name for name in BASELINES if name in names))


def summary(rows: Sequence[BenchmarkRow], measure: Measure, against: str | None = None, seed: int = 0) -> Summary:
    """Summarise one measure. against: a method with which the others are compared, paired by picture."""
    models = tuple(dict.fromkeys(row.model for row in rows))
    cells = {}
    for model in models:
        own = [row for row in rows if row.model == model]
        methods = methods_of(own)
        pictures, values = _pivot(own, methods, measure)
        for method, cell in zip(methods, _cells(values, pictures, methods, measure, against, seed), strict=True):
            cells[model, method] = cell
    return Summary(measure, models, methods_of(rows), cells)


def _pivot(rows: Sequence[BenchmarkRow], methods: Sequence[str], measure: Measure) -> tuple[np.ndarray, Floats]:
    """The picture index of each question, and the values, (questions, methods), NaN where missing."""
    column = {method: n for n, method in enumerate(methods)}
    line = {key: n for n, key in enumerate(dict.fromkeys(row.question for row in rows))}
    number = {picture: n for n, picture in enumerate(dict.fromkeys(picture for picture, *_ in line))}
    values = np.full((len(line), len(methods)), np.nan)
    for row in rows:
        values[line[row.question], column[row.method]] = measure.value(row)
    return np.array([number[picture] for picture, *_ in line]), values


def _cells(
    values: Floats,
    pictures: np.ndarray,
    methods: Sequence[str],
    measure: Measure,
    against: str | None,
    seed: int,
) -> list[SummaryCell]:
    if measure.typical:
        return [SummaryCell(_median(column), False) for column in values.T]
    means = resampled_means(values, pictures, seed)
    found = [interval(*pair) for pair in zip(values.T, means.T, strict=True)]
    signed = [(1 if measure.higher else -1) * one.mean if one.count else -np.inf for one in found]
    best = int(np.argmax(signed))
    different = [one.excludes_zero for n, one in enumerate(_differences(values, pictures, best, seed)) if n != best]
    clear = bool(different) and all(different)
    paired: list[Interval | None] = [None] * len(methods)
    if against in methods:
        paired = list(_differences(values, pictures, methods.index(against), seed))
    return [SummaryCell(one, clear and n == best, paired[n]) for n, one in enumerate(found)]


def _differences(values: Floats, pictures: np.ndarray, other: int, seed: int) -> list[Interval]:
    differences = values - values[:, [other]]
    means = resampled_means(differences, pictures, seed)
    return [interval(*pair) for pair in zip(differences.T, means.T, strict=True)]


def _median(column: Floats) -> Interval:
    present = column[np.isfinite(column)]
    middle = float(np.median(present)) if present.size else np.nan
    return Interval(middle, middle, middle, int(present.size))
