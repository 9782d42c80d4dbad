"""From rows to numbers: for each measure, model and method a mean with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats
from cnnfix_core.benchmark.results import BenchmarkRow
from cnnfix_core.benchmark.statistics.bootstrap import Interval, interval, resampled_means
from cnnfix_core.benchmark.statistics.measures import Measure
from cnnfix_core.methods import BASELINES


@dataclass(frozen=True, slots=True)
class SummaryCell:
    """One method on one model by one measure.

    clear: it is better than every other method, and each paired difference's interval says so.
    against: the paired difference to another method, where that was asked for.
    """

    value: Interval
    clear: bool
    against: Interval | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """The cells of one measure by (model, method); a pair without rows has none."""

    measure: Measure
    models: tuple[str, ...]
    methods: tuple[str, ...]
    cells: dict[tuple[str, str], SummaryCell]


def methods_of(rows: Sequence[BenchmarkRow]) -> tuple[str, ...]:
    """Methods in the order in which they came, baselines last."""
    names = dict.fromkeys(row.method for row in rows)
    return (*(name for name in names if name not in BASELINES), *(name for name in BASELINES if name in names))


def summary(rows: Sequence[BenchmarkRow], measure: Measure, against: str | None = None, seed: int = 0) -> Summary:
    """The cells of one measure. against: a method with which the others are compared, picture by picture."""
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
    """Which picture each (picture, label) is of, and the values: (pictures and labels, methods), NaN where missing."""
    column = {method: n for n, method in enumerate(methods)}
    place = {key: n for n, key in enumerate(dict.fromkeys((row.picture, row.label) for row in rows))}
    number = {picture: n for n, picture in enumerate(dict.fromkeys(picture for picture, _ in place))}
    values = np.full((len(place), len(methods)), np.nan)
    for row in rows:
        values[place[row.picture, row.label], column[row.method]] = measure.value(row)
    return np.array([number[picture] for picture, _ in place]), values


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
    apart = [one.excludes_zero for n, one in enumerate(_differences(values, pictures, best, seed)) if n != best]
    clear = bool(apart) and all(apart)
    paired: list[Interval | None] = [None] * len(methods)
    if against in methods:
        paired = list(_differences(values, pictures, methods.index(against), seed))
    return [SummaryCell(one, clear and n == best, paired[n]) for n, one in enumerate(found)]


def _differences(values: Floats, pictures: np.ndarray, other: int, seed: int) -> list[Interval]:
    apart = values - values[:, [other]]
    return [interval(*pair) for pair in zip(apart.T, resampled_means(apart, pictures, seed).T, strict=True)]


def _median(column: Floats) -> Interval:
    there = column[np.isfinite(column)]
    middle = float(np.median(there)) if there.size else np.nan
    return Interval(middle, middle, middle, int(there.size))
