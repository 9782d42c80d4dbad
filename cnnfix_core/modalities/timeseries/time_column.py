"""The first column of a table of series, if it is the time: its steps must be even, as a network counts steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from cnnfix_core.arrays import Floats
from cnnfix_core.tables import Cell, TableError, iso_date

_NAMES = {
    *("t", "time", "times", "timestamp", "date", "datetime", "day", "month", "year", "hour", "minute", "second"),
    *("seconds", "sec", "s", "ms", "index", "step", "x", "zeit", "datum", "jahr", "temps", "fecha", "tiempo"),
}


def is_time_name(name: str) -> bool:
    """Whether a column of this name is the time: "t", "Time (s)", "date"."""
    return name.lower().partition("(")[0].partition("[")[0].strip() in _NAMES


def check_dates(cells: Sequence[Cell]) -> None:
    """Raise TableError unless the dates follow each other in even steps: of seconds, months or working days."""
    dates = [iso_date(cell) for cell in cells]
    if any((one.tzinfo is None) != (dates[0].tzinfo is None) for one in dates):
        raise TableError(f"{cells[0]}: some dates have a time zone and some do not: write all alike.")
    seconds = np.array([(one - dates[0]).total_seconds() for one in dates])
    if _are_even(seconds) or _are_months(dates) or _are_working_days(dates):
        return
    raise _uneven(cells.__getitem__, seconds)


def is_time(cell: Callable[[int], Cell], values: Floats, name: str | None) -> bool:
    """Whether a column is the time, by its name or because it increases evenly.

    Args:
        cell: The cell in a row, counted from 0.
        values: The numbers in the column, (rows,).
        name: Above the column; None for a table without names.

    Raises:
        TableError: It is the time, or may be, but its steps are not even.
    """
    if _are_even(values):
        return True
    increases = len(values) > 1 and bool(np.diff(values).min() > 0)
    if is_time_name(name or "") or (name is None and increases):
        raise _uneven(cell, values, "" if name else " If it is no time, write names above the columns.")
    return False


def _are_even(values: Floats) -> bool:
    steps = np.diff(values)
    return len(steps) > 0 and bool(steps.min() > 0) and bool(np.ptp(steps) <= 1e-3 * abs(steps).max())


def _are_months(dates: Sequence[datetime]) -> bool:
    months = np.diff([12 * one.year + one.month for one in dates])
    return len(months) > 0 and months.min() > 0 and np.ptp(months) == 0 and len({one.day for one in dates}) == 1


def _are_working_days(dates: Sequence[datetime]) -> bool:
    days = np.array([one.replace(tzinfo=None) for one in dates], "datetime64[D]")
    return len(days) > 1 and bool((np.busday_count(days[:-1], days[1:]) == 1).all() and np.is_busday(days).all())


def _uneven(cell: Callable[[int], Cell], values: Floats, advice: str = "") -> TableError:
    steps = np.diff(values)
    if not len(steps):
        return TableError(f"{cell(0)} is the time of a single row: a series needs several.")
    worst = int(abs(steps - np.median(steps)).argmax())
    before, after = cell(worst), cell(worst + 1)
    return TableError(
        f"{after}: the time goes from “{before.text}” to “{after.text}”, and elsewhere in other steps: a series needs "
        f"even steps, so resample it or fill the gap.{advice}"
    )
