"""What in a table of numbers is no value: names above, labels beside, and commas that separate no cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from cnnfix_core.tables import Cell, Row, Table, TableError, kind_of, written_whole

_UNIT = re.compile(
    r"[€$£]\s*[+-]?[\d.,]+|[+-]?[\d.,]+\s*([€$£%‰°]|\s[a-zA-Zµ°/]{1,6})|[+-]?\d[\d.]*[dD][+-]?\d+", re.ASCII
)
_LEADING_ZERO = re.compile(r"[+-]?0\d+|[+-]0")
_LOOKED_AT = 50  # rows


def split_header(rows: Sequence[Row]) -> tuple[tuple[str, ...], list[Row]]:
    """The names in the lowest row above the numbers, () if there are none, and the rows below.

    Raises:
        TableError: A first row of whole numbers may be names or values.
    """
    names: tuple[str, ...] = ()
    start = 0
    while start < len(rows) and _has_names(rows[start], rows[start + 1 : start + 1 + _LOOKED_AT]):
        names, start = rows[start].texts, start + 1
    below = list(rows[start:])
    if not start and len(below) > 1 and _is_numeric_header(below):
        names, below = below[0].texts, below[1:]
    return names, below


def without_last_marks(rows: list[Row]) -> list[Row]:
    """The rows without the empty cells after marks at the end of every line."""
    width = max(map(len, rows))
    while width > 1 and not any(row.texts[width - 1] for row in rows if len(row) >= width):
        width -= 1
    return [Row(row.line, row.texts[:width]) for row in rows]


def is_number_with_unit(text: str) -> bool:
    """Whether a cell holds a number and more, such as "5 %" or "3 mV", or a number without a letter that is none."""
    return _UNIT.fullmatch(text) is not None or (text[:1].isdecimal() and not any(map(str.isalpha, text)))


def separated(table: Table, names: Sequence[str], rows: list[Row]) -> list[Row]:
    """The rows, with the two halves of numbers joined that are separated by a decimal comma, as in "0,50".

    Raises:
        TableError: A comma or space may separate cells, decimals or thousands.
    """
    if table.delimiter not in {",", " "} or not rows or not all(map(_all_whole, rows)):
        return rows
    widths = {len(row.texts) for row in rows}
    suspect = next((cell for row in rows for cell in row.cells() if _LEADING_ZERO.fullmatch(cell.text)), None)
    if widths == {2} and len(names) != 2:
        return _halves(table.delimiter, rows, bool(suspect) or len(names) == 1)
    thousands = max(widths) <= 4 and all(len(text) == 3 for row in rows for text in row.texts[1:])
    grouped = thousands and min(widths) > 1 and len(rows) > max(widths) and not _is_even(rows)
    alternating = len(rows) == 1 and len({*rows[0].texts[::2]}) == 1 < len({*rows[0].texts[1::2]})
    if not names and (suspect or grouped or alternating):
        raise _unclear(suspect or next(rows[0].cells()), table.delimiter)
    return rows


def label_columns(rows: Sequence[Row], names: Sequence[str]) -> list[int]:
    """The columns of classes or numbers of rows, beside rows that are series: first, last, both or none.

    Raises:
        TableError: A whole number beside numbers with decimals may be a label or a value.
    """
    last = len(rows[0]) - 1
    ends = (0, last) if last > 1 and all(len(row) == last + 1 for row in rows) else (0,)
    named = [end for end in ends if len(names) > end and names[end].lower() in _LABELS]
    inside = [text for row in rows for text in row.texts[1:-1]]
    if named or names or not inside or all(map(_is_whole, inside)):
        return named
    if len(rows) == 1 and any(map(written_whole, inside)):
        return []  # whole numbers are nothing special in this row
    found = [end for end in ends if all(_is_whole(row.texts[end]) for row in rows)]
    for end in found:
        if len({row.texts[end] for row in rows}) > 1:
            continue
        cell = rows[0].cell(end)
        if written_whole(cell.text):
            raise TableError(
                f"{cell}: “{cell.text}” is a whole number beside numbers with decimals. Write {cell.text}.0 if it is a "
                "value; delete the column if it is a label."
            )
    return [end for end in found if len({row.texts[end] for row in rows}) > 1]


def _is_whole(text: str) -> bool:
    """Whether a number has no fraction, however it is written."""
    try:
        return float(text).is_integer()
    except ValueError:
        return written_whole(text)


_LABELS = {"label", "labels", "class", "classes", "target", "y", "id", "name", "index", "subject", "sample", "case"}


def _has_names(row: Row, below: Sequence[Row]) -> bool:
    kinds = [kind_of(text) for text in row.texts]
    if "text" in kinds and not {"number", "date"} & {*kinds}:
        numeric = any("number" in map(kind_of, one.texts) for one in below)
        for cell in row.cells():
            if numeric and is_number_with_unit(cell.text):
                raise TableError(f"{cell}: “{cell.text[:40]}” is not a number.")
        return True
    for column, kind in enumerate(kinds):
        others = [kind_of(one.texts[column]) for one in below if column < len(one.texts)]
        if kind in {"text", "date"} and 2 * others.count("number") > len(others):
            return True
    # As pandas writes it: nothing above the index.
    full = [one for one in below if one.texts[0]]
    return not row.texts[0] and len(full) == len(below) > 0 and all(map(written_whole, row.texts[1:]))


def _is_numeric_header(rows: Sequence[Row]) -> bool:
    """Whether the first row are names such as 2019, 2020 or 0, 1, 2 above values."""
    first, below = rows[0], rows[1:]
    if not _all_whole(first) or len({len(row.texts) for row in rows}) > 1 or _is_even(rows):
        return False
    decimals = not any(_all_whole(row) for row in below)
    if len(first.texts) == 1:
        if not decimals:
            return False
        text = first.texts[0]
        raise TableError(
            f"{first.cell(0)}: “{text}” is a whole number above numbers with decimals. Write {text}.0 if it is a "
            "value; delete the line if it is a name."
        )
    steps = {int(after) - int(before) for before, after in zip(first.texts, first.texts[1:], strict=False)}
    if len(steps) > 1 or min(steps) < 1:
        return False
    if decimals:
        return True
    counts = steps == {1} and int(first.texts[0]) in {0, 1, *range(1800, 2200)}
    if counts and len(rows) > len(first.texts):
        raise TableError(
            f"{first.cell(0)}: “{', '.join(first.texts[:3])}” may be names or values. If they are values, "
            "write a line of names with letters above it; if they are names, write letters in them."
        )
    return False


def _all_whole(row: Row) -> bool:
    return all(map(written_whole, row.texts))


def _is_even(rows: Sequence[Row]) -> bool:
    """Whether the first column increases evenly, as time does."""
    if not all(written_whole(row.texts[0]) for row in rows):
        return False
    steps = np.diff([float(row.texts[0]) for row in rows])
    return len(steps) > 0 and steps.min() > 0 and bool(np.ptp(steps) == 0)


def _increases(rows: Sequence[Row]) -> bool:
    return bool(np.diff([float(row.texts[0]) for row in rows]).min(initial=1) > 0)


def _halves(delimiter: str, rows: list[Row], joined: bool) -> list[Row]:
    """Rows of two whole numbers: two columns, or numbers with a decimal comma, which become one cell."""
    constant = len(rows) > 1 and len({row.texts[0] for row in rows}) == 1
    if not joined and not constant and (_increases(rows) or len(rows) == 1):
        return rows
    thousands = all(len(row.texts[1]) == 3 for row in rows) and any(row.texts[0].strip("+-0") for row in rows)
    if delimiter == " " or thousands or not (joined or constant):
        raise _unclear(next(rows[0].cells()), delimiter)
    return [Row(row.line, (",".join(row.texts),)) for row in rows]


def _unclear(cell: Cell, delimiter: str) -> TableError:
    mark = "comma" if delimiter == "," else "space"
    return TableError(
        f"{cell}: the {mark} beside “{cell.text}” may stand between cells, before decimals or between thousands. "
        "Separate cells by semicolons and write decimal points."
    )
