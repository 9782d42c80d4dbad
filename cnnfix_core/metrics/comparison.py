"""Compare several methods on one picture: numbers and agreement of the maps, as text and as CSV."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import combinations

from cnnfix_core.engine import Preset
from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import Picture
from cnnfix_core.methods import BASELINES, METHODS, reason_against
from cnnfix_core.metrics.agreement import overlap, rank_correlation
from cnnfix_core.metrics.evaluation import Also, Measured, measured
from cnnfix_core.metrics.verdicts import agreement_verdict, boxes_verdict
from cnnfix_core.regions import GroundTruth
from cnnfix_core.utils import aligned, csv_text, decimals
from cnnfix_core.zoo import Model

ClassTarget = int | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Failed:
    """A method that produced no map, and why."""

    method: str
    why: str


def compare(  # noqa: PLR0913  # all but the first five are optional settings
    model: Model,
    picture: Picture,
    truth: GroundTruth,
    asked: ClassTarget,
    methods: Sequence[str],
    steps: int = 0,
    preset: Preset | None = None,
    also: Collection[Also] = (),
    progress: Callable[[float, str], None] | None = None,
) -> Iterator[Measured | Failed]:
    """Compute each method's map and its numbers, or why there is none, one after the other; as `measured`.

    progress: called with the share of all maps that is done, 0 to 1, and the title of the method.
    """
    for number, method in enumerate(methods):
        reason = reason_against(model, method, isinstance(asked, tuple))
        try:
            if reason:
                yield Failed(method, reason)
            else:
                yield measured(
                    model,
                    picture,
                    truth,
                    asked,
                    method,
                    steps,
                    preset=preset,
                    also=also,
                    progress=partial(_share, progress, number, methods),
                )
        except CnnfixError as error:
            yield Failed(method, str(error))


def _share(progress: Callable[[float, str], None] | None, number: int, methods: Sequence[str], share: float) -> None:
    if progress:
        progress((number + share) / len(methods), METHODS[methods[number]].title)


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    value: Callable[[Measured], float]
    digits: int


_COLUMNS = (
    _Column("seconds", lambda one: one.found.seconds, 2),
    _Column("peak", lambda one: one.numbers.peak, 0),
    _Column("energy", lambda one: one.numbers.energy, 3),
    _Column("evidence", lambda one: one.numbers.evidence, 3),
    _Column("iou", lambda one: one.numbers.iou, 3),
    _Column("insertion", lambda one: one.insertion, 3),
    _Column("deletion", lambda one: one.deletion, 3),
    _Column("road", lambda one: one.road, 3),
    _Column("sensitivity", lambda one: one.sensitivity, 3),
    _Column("cut_out_area", lambda one: one.cut_out_area, 3),
    _Column("cut_out_iou", lambda one: one.cut_out_iou, 3),
)


def table(found: Sequence[Measured]) -> str:
    """A table with one line per method; columns that are empty for all methods are left out."""
    columns = [c for c in _COLUMNS if any(not math.isnan(c.value(one)) for one in found)]
    lines = [["method", "layer", *(column.title for column in columns)]]
    for one in found:
        numbers = (decimals(column.value(one), column.digits) for column in columns)
        lines.append([METHODS[one.found.method].title, one.found.layer or "", *numbers])
    return aligned(lines, words=2)


def agreement(found: Sequence[Measured]) -> str:
    """A matrix of all pairs: rank correlation above the diagonal, overlap of the strongest tenths below.

    "" for fewer than two maps.
    """
    if len(found) < 2:
        return ""
    maps = [one.found.map for one in found]
    lines = [["", *(str(n + 1) for n in range(len(maps)))]]
    for n, a in enumerate(maps):
        row = [
            "" if n == m else decimals(rank_correlation(a, b) if m > n else overlap(a, b), 2)
            for m, b in enumerate(maps)
        ]
        lines.append([f"{n + 1} {METHODS[found[n].found.method].title}", *row])
    return aligned(lines, words=1)


def verdicts(found: Sequence[Measured]) -> str:
    """What the numbers say, one sentence per line; the baselines among the methods are what others must beat."""
    numbers = {one.found.method: one.numbers for one in found if not math.isnan(one.numbers.peak)}
    pairs = {
        (METHODS[one.found.method].title, METHODS[two.found.method].title): rank_correlation(
            one.found.map, two.found.map
        )
        for one, two in combinations(found, 2)
    }
    said = boxes_verdict(
        {METHODS[name].title: of for name, of in numbers.items() if name not in BASELINES},
        [of for name, of in numbers.items() if name in BASELINES],
    )
    return "\n".join(filter(None, [said, agreement_verdict(pairs)]))


@dataclass(frozen=True, slots=True)
class ColumnHeading:
    """What a map explains, in words. change: how the picture or the network was changed first."""

    model: str
    picture: str
    target: str
    rather_than: str = ""
    change: str = ""


def as_csv(found: Iterable[tuple[ColumnHeading, Measured]]) -> str:
    """One row per map: heading, method, layer, numbers, share that the ground truth covers, and the method's box.

    The box is x0, y0, x1, y1 in inclusive pixels. Cells that do not apply are empty.
    """
    asked, numbers = [field.name for field in fields(ColumnHeading)], [column.title for column in _COLUMNS]
    rows: list[Sequence[object]] = []
    for heading, one in found:
        values = [*(column.value(one) for column in _COLUMNS), one.numbers.covered]
        cells = ["" if math.isnan(value) else f"{value:.6g}" for value in values]
        words = [getattr(heading, name) for name in asked]
        rows.append([*words, one.found.method, one.found.layer or "", *cells, *(one.found.box or ("",) * 4)])
    return csv_text([*asked, "method", "layer", *numbers, "covered", "x0", "y0", "x1", "y1"], rows)
