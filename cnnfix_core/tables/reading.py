"""Read a table from the bytes of a text file, each cell at its place.

Python's csv module is used and not pandas, which does not tell the line of a cell, guesses a type for each column, and
fills up rows that are too short.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from cnnfix_core.errors import CnnfixError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_MINUS = re.compile("^\u2212(?=[0-9.,])")  # the typographic one, before a number
_SEPARATED = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # what Excel writes above a table
_COMMENT = re.compile(r"#(?!N/A|REF!|VALUE!|DIV/0!|NUM!|NAME\?|NULL!)|%")
# Numbers with decimal commas, separated by spaces.
_SPACED = re.compile(r"\s*[+-]?\d+(,\d+)?([eE][+-]?\d+)?([ \t]+[+-]?\d+(,\d+)?([eE][+-]?\d+)?)+\s*")


class TableError(CnnfixError):
    """A table cannot be read. The message names line and column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, its line in the file and its column, both counted from 1."""

    text: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"Line {self.line}, column {self.column}"


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is not empty: its line in the file, counted from 1, and its cells, each on one line."""

    line: int
    texts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def cell(self, column: int) -> Cell:
        """The cell in a column counted from 0; an empty one if the row is shorter."""
        return Cell(self.texts[column] if column < len(self.texts) else "", self.line, column + 1)

    def cells(self) -> Iterator[Cell]:
        """All of its cells."""
        return map(self.cell, range(len(self.texts)))


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        delimiter: Between cells: a comma, semicolon, tab or vertical bar; a space for any number of spaces.
        gaps: Lines that are empty, between others that are not.
    """

    delimiter: str
    gaps: tuple[int, ...]
    _lines: tuple[str, ...] = field(repr=False)
    _first: int = field(repr=False)  # lines above the table

    def rows(self) -> Iterator[Row]:
        """The rows from the top. Raises TableError where the file is no table."""
        spaces = self.delimiter == " "
        lines = (line.strip() if spaces else line for line in self._lines)
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True)
        try:
            for texts in reader:
                stripped = tuple(_MINUS.sub("-", text.strip().replace("\n", " ")) for text in texts)
                if any(stripped):
                    yield Row(self._first + reader.line_num, stripped)
        except csv.Error as error:
            raise TableError(f"Line {self._first + reader.line_num} is not CSV: {error}.") from None


def read_table(content: bytes) -> Table:
    """Read a table, whose cells are separated by commas, semicolons, tabs, vertical bars or spaces.

    The encoding is UTF-8, UTF-16 or UTF-32, or else Windows-1252. Comments above the table are skipped.

    Raises:
        TableError: It is not a text file, or one of another format.
    """
    lines = [f"{line}\n" for line in _text(content).split("\n")]
    first, delimiter = _above(lines)
    _check_format(lines)
    inside = lines[first:]
    while inside and not inside[-1].strip():
        inside.pop()
    return Table(delimiter or _delimiter(inside), _gaps(inside, first), tuple(inside), first)


def _text(content: bytes) -> str:
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    if encoding is None and b"\0" in content:
        encoding = "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    for one in (encoding,) if encoding else ("utf-8", "cp1252"):
        try:
            text = content.decode(one)
        except UnicodeDecodeError:
            continue
        if not _CONTROL.search(text):
            return text.replace("\r\n", "\n").replace("\r", "\n")
    raise TableError("This is not a text file: save the table as CSV.")


def _above(lines: list[str]) -> tuple[int, str | None]:
    """How many lines above the table are empty or comments, and the delimiter if one of them gives it."""
    delimiter = None
    for number, line in enumerate(lines):
        given = _SEPARATED.fullmatch(line.strip("\n"))
        if given:
            delimiter = given[1]
        elif line.strip() and not _COMMENT.match(line):
            return number, delimiter
    return len(lines), delimiter


def _check_format(lines: list[str]) -> None:
    for number, line in enumerate(lines, 1):
        if line.startswith("@"):
            raise TableError(
                f"Line {number} is “{line.strip()[:40]}”, as in ARFF and .ts files, whose last value may be a class: "
                "save the numbers alone as CSV."
            )


def _delimiter(lines: list[str]) -> str:
    """The mark that half of the lines have; of several the first of tab, semicolon, bar and comma."""
    written = [line for line in lines if line.strip()]
    for mark in "\t;|":
        if 2 * sum(mark in line.strip(" \n") for line in written) >= max(1, len(written)):
            return mark
    commas = [line for line in written if "," in line]
    if 2 * len(commas) < max(1, len(written)):
        return " "
    return " " if all(_SPACED.fullmatch(line) for line in commas[-1:] + commas[:-1]) else ","


def _gaps(lines: list[str], first: int) -> tuple[int, ...]:
    empty = [not line.strip() for line in lines]
    # Some programs write an empty line after each one.
    doubled = len(empty) > 2 and all(empty[1::2]) and not any(empty[::2])
    return () if doubled else tuple(first + number for number, one in enumerate(empty, 1) if one)
