"""Check time series, and read them from a table."""

from __future__ import annotations

import csv
import io
from itertools import zip_longest

import numpy as np
from numpy.typing import ArrayLike

from cnnfix_core.arrays import Floats
from cnnfix_core.errors import CnnfixError

LEAST, MOST = 8, 100_000  # values of a series
MOST_SERIES = 500
MAX_SERIES_BYTES = 5_000_000


class SignalError(CnnfixError):
    """The time series cannot be used."""


def checked(series: ArrayLike) -> Floats:
    """Convert a series to (N,) floats. Raises SignalError unless it has 8 to 100,000 numbers, all finite."""
    try:
        values = np.asarray(series, float)
    except (TypeError, ValueError):
        raise SignalError("A series must be a sequence of numbers.") from None
    if values.ndim != 1 or not LEAST <= len(values) <= MOST:
        raise SignalError(f"A series must be a sequence of {LEAST} to {MOST:,} numbers.")
    if not np.isfinite(values).all() or abs(values).max() > 1e100:
        raise SignalError("The series has values that are missing or infinite: fill them in first.")
    return values


def read_series(content: bytes) -> list[Floats]:
    """Read the series from a text file with a table, separated by commas, semicolons, tabs or spaces.

    If the rows are longer than the columns, each row is a series; otherwise each column is one. Rows of names at the
    top are skipped. If there are several columns and the first one increases evenly, it is the time and is skipped.

    Raises:
        SignalError: The file cannot be read, or a series cannot be used.
    """
    if len(content) > MAX_SERIES_BYTES:
        raise SignalError(f"The file is larger than {MAX_SERIES_BYTES // 1_000_000} MB: use only a part of it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SignalError("This is not a text file: save the series as CSV.") from None
    rows = _numbers(text)
    if not rows:
        raise SignalError("The file has no numbers: a series is one row or one column of numbers.")
    columns = [[value for value in column if value is not None] for column in zip_longest(*rows)]
    if len(columns) < len(rows):
        series = columns[1:] if len(columns) > 1 and _is_time(columns[0]) else columns
    else:
        series = rows
    if len(series) > MOST_SERIES:
        raise SignalError(f"The file has {len(series):,} series: use at most {MOST_SERIES}.")
    return [checked(one) for one in series]


def _numbers(text: str) -> list[list[float]]:
    """Read the rows of numbers, and skip rows of names above them. Raises SignalError for other text."""
    rows: list[list[float]] = []
    for number, cells in enumerate(_cells(text), 1):
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError:
            if rows:
                raise SignalError(f"Line {number} of the file contains something other than numbers.") from None
    return rows


def _cells(text: str) -> list[list[str]]:
    first = text[:2000]
    delimiter = next((mark for mark in ";\t," if mark in first), " ")
    try:
        table = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True))
    except csv.Error:
        raise SignalError("The file cannot be read as a table: save the series as CSV.") from None
    return [cells for row in table if (cells := [cell.strip() for cell in row if cell.strip()])]


def _is_time(column: list[float]) -> bool:
    steps = np.diff(column)
    return len(steps) > 0 and bool(steps.min() > 0) and bool(np.ptp(steps) <= 1e-3 * abs(steps).max())
