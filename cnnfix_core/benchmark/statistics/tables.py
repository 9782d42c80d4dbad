"""The tables of a benchmark, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cnnfix_core.benchmark.results import BenchmarkRow
from cnnfix_core.benchmark.runner import UnusableMethod
from cnnfix_core.benchmark.statistics.measures import MEASURES, Measure
from cnnfix_core.benchmark.statistics.summary import Summary, SummaryCell, methods_of, summary
from cnnfix_core.methods import METHODS
from cnnfix_core.metrics import Interval
from cnnfix_core.utils import decimals, percent

NOTHING = "–"
_LONGEST = 12  # notes about missing rows
SMALL = 0.5  # objects that cover less of their picture have tables of their own: a blob in the centre hits the others


def tables(
    rows: Sequence[BenchmarkRow],
    unfit: Sequence[UnusableMethod] = (),
    against: str | None = None,
    seed: int = 0,
    measures: Sequence[Measure] = MEASURES,
) -> str:
    """All tables: one per measure, methods x models; for a single model one table, methods x measures.

    Means have 95 % intervals (bootstrap over pictures). A bold mean is better than that of every other method, and the
    interval of each paired difference excludes 0. Where some objects cover less than half of their picture and some
    more, the small ones follow in tables of their own.

    Args:
        rows: The rows.
        unfit: Methods that cannot be used with a model.
        against: Add tables with the paired differences to this method.
        seed: Seed of the bootstrap.
        measures: What is shown, where any row has it.
    """
    parts = _parts(rows, against, seed, measures) or ["No row has numbers."]
    small = [row for row in rows if row.covered < SMALL]
    if any(row.covered >= SMALL for row in rows) and (apart := _parts(small, against, seed, measures)):
        parts += [f"### Objects under {percent(SMALL)} of the picture", *apart]
    return "\n\n".join([*parts, *notes(rows, unfit)]) + "\n"


def _parts(rows: Sequence[BenchmarkRow], against: str | None, seed: int, measures: Sequence[Measure]) -> list[str]:
    found = [one for measure in measures if (one := summary(rows, measure, against, seed)).known]
    if not found:
        return []
    parts = [header(rows), *_laid_out(found, _shown)]
    if against:
        parts.append(f"Differences from {titled(against)}, paired by picture; bold if the interval excludes 0:")
        parts += _laid_out([one for one in found if not one.measure.typical], _difference)
    return parts


def header(rows: Sequence[BenchmarkRow]) -> str:
    """The number of pictures, and the share of them that the ground truth covers."""
    covered = list({row.question: row.covered for row in rows if not row.error}.values())
    right = [row.right for row in _one_a_picture(rows) if np.isfinite(row.right)]
    mean, median = (percent(float(middle(covered))) for middle in (np.mean, np.median))
    words = (
        f"{len(covered):,} pictures and labels; the ground truth covers {mean} of them on average (median {median})."
    )
    return words + (f" Correct predictions: {percent(float(np.mean(right)))}." if right else "")


def notes(rows: Sequence[BenchmarkRow], unfit: Sequence[UnusableMethod]) -> list[str]:
    """A list of what is missing, and why; empty if nothing is."""
    lines = [f"- {titled(one.method)} cannot be used with {one.model}. {one.reason}" for one in unfit]
    failed: dict[tuple[str, str], list[BenchmarkRow]] = {}
    for row in rows:
        if row.error:
            failed.setdefault((row.model, row.error), []).append(row)
    every = set(methods_of(rows))
    for (model, error), those in sorted(failed.items(), key=lambda entry: -len(entry[1])):
        pictures = list(dict.fromkeys(row.picture for row in those))
        methods = {row.method for row in those}
        which = "every method" if methods == every else ", ".join(titled(method) for method in sorted(methods))
        lines.append(f"- Missing on {model}, with {which}: {pictures[0]}{_more(len(pictures) - 1)}. {error}")
    if len(lines) > _LONGEST:
        lines[_LONGEST:] = [f"- ... and {len(lines) - _LONGEST:,} more: see the column error of results.csv."]
    return ["\n".join(lines)] if lines else []


def _more(count: int) -> str:
    return f" and {count:,} more" if count else ""


def titled(method: str) -> str:
    """The method's title."""
    return METHODS[method].title if method in METHODS else method


def _one_a_picture(rows: Sequence[BenchmarkRow]) -> list[BenchmarkRow]:
    return list({(row.model, row.question): row for row in rows if not row.error}.values())


def _laid_out(found: Sequence[Summary], write: Callable[[Measure, SummaryCell | None], str]) -> list[str]:
    models, methods = found[0].models, found[0].methods
    if len(models) > 1:
        return [
            f"**{one.measure.heading}**\n\n"
            + markdown(
                ["", *models],
                [[titled(m), *(write(one.measure, one.cells.get((model, m))) for model in models)] for m in methods],
            )
            for one in found
        ]
    rows = [[titled(m), *(write(one.measure, one.cells.get((models[0], m))) for one in found)] for m in methods]
    return [markdown(["", *(one.measure.heading for one in found)], rows)]


def _shown(measure: Measure, cell: SummaryCell | None) -> str:
    if cell is None or not cell.value.count:
        return NOTHING
    mean, spread = _mean_and_range(cell.value, measure.digits, cell.clear)
    return mean if measure.typical else f"{mean} ({spread})"


def _difference(measure: Measure, cell: SummaryCell | None) -> str:
    if cell is None or cell.against is None:
        return NOTHING
    return with_interval(cell.against, measure.digits, cell.against.excludes_zero, signed=True)


def with_interval(value: Interval, digits: int, bold: bool, signed: bool = False) -> str:
    """A mean with its interval, or with the number of values where these are too few for one."""
    return "{} ({})".format(*_mean_and_range(value, digits, bold, signed)) if value.count else NOTHING


def _mean_and_range(value: Interval, digits: int, bold: bool, signed: bool = False) -> tuple[str, str]:
    mean, low, high = (decimals(number, digits, signed) for number in (value.mean, value.low, value.high))
    return f"**{mean}**" if bold else mean, f"{low} to {high}" if value.known else f"of {value.count}"


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column holds words, the others numbers."""
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
