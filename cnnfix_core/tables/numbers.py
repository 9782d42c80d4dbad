"""Numbers in tables: with decimal points or commas, with or without marks between thousands, or missing."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cnnfix_core.tables.reading import Cell, TableError

Kind = Literal["number", "missing", "infinite", "date", "text"]

_MISSING = {
    "",
    "na",
    "n/a",
    "#n/a",
    "#na",
    "nan",
    "-nan",
    "null",
    "none",
    "nil",
    "-",
    "--",
    "?",
    ".",
    "..",
    "missing",
    "nd",
}
_INFINITE = {"inf", "+inf", "-inf", "infinity", "-infinity", "#div/0!", "#num!"}
_SPACES = "\u00a0\u202f\u2009 '\u2019"  # between thousands
_NUMBER = re.compile(rf"[+-]?(\d[\d.,{_SPACES}]*|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
_SIMPLE = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)  # the same in every table
_MARKED = re.compile(rf"[,{_SPACES}]|\.[^\n]*\.")
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_GROUPED = re.compile(rf"[+-]?[1-9]\d{{0,2}}([.,{_SPACES}])\d{{3}}(\1\d{{3}})*", re.ASCII)
_DATE = re.compile(
    r"\d{4}-\d\d?(-\d\d?)?([T ].*)?|\d{4}/\d\d?/\d\d?.*|\d\d?[./]\d\d?[./]\d{4}.*|\d\d?:\d\d(:\d\d.*)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """How a table writes numbers. decimal: "." or ",". thousands: the mark between thousands, or ""."""

    decimal: str = "."
    thousands: str = ""

    def number(self, cell: Cell) -> float:
        """The number in a cell. Raises TableError, with line and column, if it is none or not finite."""
        text = cell.text
        mantissa = re.split("[eE]", text)[0]
        whole, _, fraction = mantissa.partition(self.decimal)
        if self.thousands in whole and self.thousands and not _GROUPED.fullmatch(whole):
            raise TableError(f"{cell}: “{cell.text}” is not a number with “{self.thousands}” between thousands.")
        plain = text.replace(self.thousands, "") if self.thousands else text
        plain = plain.replace(self.decimal, ".")
        if not _NUMBER.fullmatch(text) or (self.thousands and self.thousands in fraction):
            raise TableError(f"{cell}: “{cell.text[:40]}” is not a number.")
        try:
            value = float(plain)
        except ValueError:
            raise TableError(f"{cell}: “{cell.text[:40]}” is not a number.") from None
        if not math.isfinite(value):
            raise TableError(f"{cell}: “{cell.text[:40]}” is missing or infinite.")
        return value


def kind_of(text: str) -> Kind:
    """What a cell holds. Only ISO dates can be used, but others are known as dates too."""
    if _SIMPLE.fullmatch(text):
        return "number"
    lower = text.lower()
    if lower in _MISSING:
        return "missing"
    if lower in _INFINITE:
        return "infinite"
    if _DATE.fullmatch(text):
        return "date"
    return "number" if _NUMBER.fullmatch(text) else "text"


def is_plain(texts: Iterable[str]) -> bool:
    """Whether these numbers are written as computers do: with points, and nothing between thousands."""
    return _MARKED.search("\n".join(texts)) is None


def written_whole(text: str) -> bool:
    """Whether a number is written without decimals and without an exponent."""
    return _WHOLE.fullmatch(text) is not None


def iso_date(cell: Cell) -> datetime:
    """The date or the time of a day in a cell, which must be written as in ISO 8601. Raises TableError."""
    try:
        if ":" in cell.text and "-" not in cell.text:
            return datetime.fromisoformat(f"2000-01-01T{cell.text.zfill(5 if cell.text.count(':') == 1 else 8)}")
        return datetime.fromisoformat(cell.text if cell.text.count("-") > 1 else f"{cell.text}-01")
    except ValueError:
        raise TableError(f"{cell}: “{cell.text[:40]}” is not a date like 2026-01-31: write all dates so.") from None


def number_format(cells: Iterable[Cell]) -> NumberFormat:
    """How these numbers are written, which must hold for all of them.

    Raises:
        TableError: Their marks contradict each other, or "1,234" may be 1.234 or 1234.
    """
    roles: dict[str, dict[str, Cell]] = {".": {}, ",": {}}  # the first cell where a mark has a role
    unclear: dict[str, Cell] = {}
    spaces = ""
    for cell in cells:
        text = re.split("[eE]", cell.text)[0]
        spaces = spaces or next((mark for mark in _SPACES if mark in text), "")
        for mark, role in _roles(text).items():
            if role == "unclear":
                unclear.setdefault(mark, cell)
            else:
                roles[mark].setdefault(role, cell)
    for found in roles.values():
        if len(found) > 1:
            first, second = found.values()
            raise TableError(
                f"{second}: “{second.text}” does not go with “{first.text}” in line {first.line}: write all with one "
                f"decimal mark, and nothing between thousands."
            )
    return _decided(roles, unclear, spaces)


def _decided(roles: dict[str, dict[str, Cell]], unclear: dict[str, Cell], spaces: str) -> NumberFormat:
    comma = next(iter(roles[","]), None)
    point = next(iter(roles["."]), None)
    if comma is None and "," in unclear:
        if point != "decimal":
            cell = unclear[","]
            raise TableError(
                f"{cell}: “{cell.text}” may be {cell.text.replace(',', '.')} or {cell.text.replace(',', '')}: write "
                "decimal points, and nothing between thousands."
            )
        comma = "thousands"
    if comma == "decimal" and point == "decimal":
        first, second = roles[","]["decimal"], roles["."]["decimal"]
        raise TableError(f"{second}: “{second.text}” has a point, and “{first.text}” in line {first.line} a comma.")
    if comma == "decimal" or point == "thousands":
        return NumberFormat(",", "." if point == "thousands" or "." in unclear else spaces)
    return NumberFormat(".", "," if comma == "thousands" else spaces)


def _roles(text: str) -> dict[str, str]:
    """What points and commas do in a number: "decimal", "thousands" or "unclear"."""
    counts = {mark: text.count(mark) for mark in ".," if mark in text}
    if len(counts) == 2:
        last = max(counts, key=text.rfind)
        return {mark: "decimal" if mark == last else "thousands" for mark in counts}
    return {
        mark: "thousands" if count > 1 else "unclear" if _GROUPED.fullmatch(text) else "decimal"
        for mark, count in counts.items()
    }
