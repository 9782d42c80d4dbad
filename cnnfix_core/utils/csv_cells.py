"""Texts as cells of CSV files: on one line, and never a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

# Spreadsheets compute cells that begin like this, even between quotes: `=HYPERLINK(...)` in the name of a picture.
# Plain numbers, such as -0.5, are as harmless as they look.
_FORMULA = re.compile(r"(?!-?[\d.]+(e[+-]?\d+)?$)('*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n])")
_PROTECTED = re.compile(rf"'(?={_FORMULA.pattern})")
_ESCAPES = {"\\": r"\\", "\n": r"\n", "\r": r"\r"}
_ESCAPED = re.compile(r"\\(.)")


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could compute the cell instead of showing it."""
    return _FORMULA.match(text) is not None


def no_formula(text: str) -> str:
    """The text with an apostrophe in front if it could be a formula."""
    return f"'{text}" if is_formula(text) else text


def one_line(text: str) -> str:
    r"""The text as one line that cannot be a formula: line breaks become `\n` and `\r`, backslashes double."""
    return no_formula(re.sub(r"[\\\n\r]", lambda found: _ESCAPES[found[0]], text))


def from_one_line(cell: str) -> str:
    """The text that `one_line` was given."""
    text = _PROTECTED.sub("", cell, count=1) if _PROTECTED.match(cell) else cell
    return _ESCAPED.sub(lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), text)


def csv_text(heading: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV, without formulas."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(heading)
    table.writerows([no_formula(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue()
