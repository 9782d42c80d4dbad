"""Read time series from a table. A value keeps its place in time: what is unclear is refused, with line and column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats
from cnnfix_core.modalities.timeseries.header import (
    is_number_with_unit,
    label_columns,
    separated,
    split_header,
    without_last_marks,
)
from cnnfix_core.modalities.timeseries.series import SignalError, checked
from cnnfix_core.modalities.timeseries.time_column import check_dates, is_time, is_time_name
from cnnfix_core.tables import (
    Cell,
    Kind,
    NumberFormat,
    Row,
    TableError,
    is_plain,
    kind_of,
    number_format,
    read_table,
    written_whole,
)

MOST_SERIES = 500
MAX_SERIES_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class SeriesTable:
    """The series in a table.

    Attributes:
        series: One or more.
        notes: What was left out and how numbers were read, in sentences.
    """

    series: tuple[Floats, ...]
    notes: tuple[str, ...]


def read_series(content: bytes) -> list[Floats]:
    """The series of `read_series_table`."""
    return list(read_series_table(content).series)


def read_series_table(content: bytes) -> SeriesTable:
    """Read the series from a text file with a table, separated by commas, semicolons, tabs, bars or spaces.

    If the rows are longer than the columns, each row is a series; otherwise each column is one. Names above the
    numbers, a first column that is the time, and labels beside the numbers are left out. Decimal commas and marks
    between thousands are understood where they are clear.

    Raises:
        SignalError: The file cannot be read, a value is missing, it is not clear what a number or a place in time is,
            or a series cannot be used. The message names line and column.
    """
    if len(content) > MAX_SERIES_BYTES:
        raise SignalError(f"The file is larger than {MAX_SERIES_BYTES // 1_000_000} MB: use only a part of it.")
    try:
        found = _read(content)
    except TableError as error:
        raise SignalError(str(error)) from None
    if len(found.series) > MOST_SERIES:
        raise SignalError(f"The file has {len(found.series):,} series: use at most {MOST_SERIES}.")
    return found


def _read(content: bytes) -> SeriesTable:
    table = read_table(content)
    every = list(table.rows())
    names, rows = split_header(every)
    if not rows:
        digits = next((cell for row in every for cell in row.cells() if any(map(str.isdecimal, cell.text))), None)
        what = "The file has no numbers" if digits is None else f"{digits}: “{digits.text[:40]}” is not a number"
        raise SignalError(f"{what}: a series is one row or one column of numbers.")
    inner = [line for line in table.gaps if rows[0].line < line < rows[-1].line]
    if inner:
        raise TableError(f"Line {inner[0]} is empty: fill in what is missing, or delete the line.")
    return _Reading(names, separated(table, names, rows), table.delimiter).result()


class _Reading:
    """The rows below the names, as they are understood step by step."""

    def __init__(self, names: tuple[str, ...], rows: list[Row], delimiter: str) -> None:
        self._rows = without_last_marks(rows)
        self._width, self._delimiter = max(map(len, self._rows)), delimiter
        self._names = self._fitted(names)
        self._notes: list[str] = []
        if names and all(map(written_whole, names)):
            self._notes.append(f"The line {', '.join(names[:3])} above the numbers was read as names.")

    def result(self) -> SeriesTable:
        """The series, by columns or by rows."""
        kinds = [self._kind(column) for column in range(self._width)]
        numeric = [column for column, kind in enumerate(kinds) if kind == "number"]
        timed = self._first_is_time(kinds[0])
        if not numeric or (timed and numeric == [0]):
            raise SignalError(
                "The file has no numbers besides text and time: a series is a row or a column of numbers."
            )
        if timed or len(numeric) < len(self._rows):
            series = self._by_columns(numeric)
        else:
            series = self._by_rows([column for column, kind in enumerate(kinds) if kind in {"number", "missing"}])
        return SeriesTable(tuple(series), tuple(self._notes))

    def _fitted(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names, one for each column. R writes none above its names of rows."""
        if len(names) == self._width - 1 and self._delimiter != "," and len(names) > 1:
            names = ("", *names)
        longest = max(self._rows, key=len)
        if 1 < len(names) < len(longest):
            raise TableError(
                f"{longest.cell(len(names))}: there are {len(longest)} cells below {len(names)} names. "
                "If commas are decimal commas, separate cells by semicolons."
            )
        return (*names, *[""] * (self._width - len(names))) if len(names) > 1 or self._width == 1 else ()

    def _kind(self, column: int) -> Kind:
        """What a column holds. Raises TableError if it has numbers and anything else that is not missing."""
        kinds = [kind_of(row.texts[column]) if column < len(row) else "missing" for row in self._rows]
        numbers = {"number", "infinite"} & {*kinds}
        for row, kind in zip(self._rows, kinds, strict=True):
            odd = kind == "text" and is_number_with_unit(row.texts[column])
            if odd or (numbers and kind in {"text", "date"}):
                raise TableError(f"{row.cell(column)}: “{row.texts[column][:40]}” is not a number.")
        if numbers:
            return "number"
        kind = next((one for one in kinds if one != "missing"), "missing")
        if kind == "text" or (kind == "date" and column):
            self._leave([column], "text" if kind == "text" else "dates")
        return kind

    def _first_is_time(self, kind: Kind) -> bool:
        """Whether the first column has dates, or a name of time. Raises TableError for dates in uneven steps."""
        if kind == "date":
            check_dates([row.cell(0) for row in self._rows])
            self._leave([0], "the time")
        return kind == "date" or (self._width > 1 and bool(self._names) and is_time_name(self._names[0]))

    def _by_columns(self, columns: list[int]) -> list[Floats]:
        if self._delimiter == " ":
            self._check_widths()
        form = self._format(columns)
        if len(columns) > 1 and columns[0] == 0:
            times = self._column(0, form)
            if is_time(lambda n: self._rows[n].cell(0), times, self._names[0] if self._names else None):
                self._leave([0], "the time")
                columns = columns[1:]
        return [checked(self._column(column, form)) for column in columns]

    def _check_widths(self) -> None:
        """With spaces between cells one cannot see which is missing."""
        for row in self._rows:
            if len(row) != self._width:
                raise TableError(f"Line {row.line} has {len(row)} numbers, and others have {self._width}.")

    def _by_rows(self, columns: list[int]) -> list[Floats]:
        kept = [Row(row.line, tuple(row.texts[n] for n in columns if n < len(row))) for row in self._rows]
        left = label_columns(kept, [self._names[n] for n in columns] if self._names else ())
        self._leave([columns[n] for n in left], "labels")
        columns = [column for n, column in enumerate(columns) if n not in left]
        form = self._format(columns)
        return [checked(self._row(row, columns, form)) for row in self._rows]

    def _format(self, columns: list[int]) -> NumberFormat:
        if all(is_plain(row.texts) for row in self._rows):
            return NumberFormat()
        cells = (row.cell(column) for row in self._rows for column in columns)
        form = number_format(cell for cell in cells if kind_of(cell.text) == "number")
        if form.decimal == ",":
            self._notes.append("Commas are read as decimal commas.")
        if form.thousands:
            self._notes.append(f"“{form.thousands}” is read as a mark between thousands.")
        return form

    def _column(self, column: int, form: NumberFormat) -> Floats:
        texts = [row.texts[column] if column < len(row) else "" for row in self._rows]
        values = _values(texts, lambda n: self._rows[n].cell(column), form)
        if len(values) < len(texts):
            self._notes.append(
                f"Column {column + 1}{self._named(column)} ends in line {self._rows[len(values) - 1].line}."
            )
        return values

    def _row(self, row: Row, columns: list[int], form: NumberFormat) -> Floats:
        texts = [row.texts[column] for column in columns if column < len(row)]
        values = _values(texts, lambda n: row.cell(columns[n]), form)
        if len(values) < len(columns):
            self._notes.append(f"Line {row.line} ends after {len(values)} of {len(columns)} values.")
        return values

    def _leave(self, columns: Sequence[int], what: str) -> None:
        for column in columns:
            self._notes.append(f"Column {column + 1}{self._named(column)} was left out: {what}.")

    def _named(self, column: int) -> str:
        return f" ({self._names[column]})" if self._names and self._names[column] else ""


def _values(texts: list[str], cell: Callable[[int], Cell], form: NumberFormat) -> Floats:
    """The numbers of a series, which may end before the table does. Raises TableError where one is missing.

    Args:
        texts: The cells of a row or a column.
        cell: The same with their places, by their numbers.
        form: How numbers are written.
    """
    end = len(texts)
    while end and not texts[end - 1]:
        end -= 1
    for n, text in enumerate(texts[:end]):
        if kind_of(text) != "number":
            what = f"is “{text}”" if text else "is empty"
            raise TableError(f"{cell(n)} {what}: fill in values that are missing or infinite first.")
    if form == NumberFormat():
        values = np.array(list(map(float, texts[:end])), float)
        if np.isfinite(values).all():
            return values
    return np.array([form.number(cell(n)) for n in range(end)], float)
