"""Rows of a long run, kept on disk while they come, with the settings that they were made under."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from cnnfix_core.errors import CnnfixError


class Keyed(Protocol):
    """A frozen dataclass of texts, whole numbers and numbers (NaN: does not apply)."""

    @property
    def key(self) -> Any:
        """What no other row has."""


Row = TypeVar("Row", bound=Keyed)


class Journal(Generic[Row]):
    """A CSV file to which rows are added; what was added survives the end of the process, however it ends.

    A row that was being written when the process was killed is cut off when the file is opened again.
    keys: of all rows. Raises CnnfixError where the file has other columns.
    """

    def __init__(self, file: Path, kind: type[Row]) -> None:
        self._file, self._kind = file, kind
        self._columns = {field.name: _READ[str(field.type)] for field in fields(kind)}  # type: ignore[arg-type]
        header = _line(self._columns)
        if file.exists():
            with file.open("rb") as content:
                if not header.startswith(content.read(len(header))):
                    raise self._not_mine()
            _cut_off_half_a_row(file)
        if not file.exists() or not file.stat().st_size:
            file.write_bytes(header)
        self.keys = {row.key for row in self}

    def add(self, rows: Iterable[Row]) -> None:
        """Keep rows."""
        new = list(rows)
        lines = b"".join(_line(map(_text, astuple(row))) for row in new)  # type: ignore[call-overload]
        with self._file.open("ab", buffering=0) as file:
            file.write(lines)
        self.keys |= {row.key for row in new}

    @property
    def rows(self) -> list[Row]:
        """All rows, in the order in which they came."""
        return list(self)

    def __iter__(self) -> Iterator[Row]:
        """Row by row, in the order in which they came."""
        with self._file.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.reader(file)
            next(rows)
            try:
                for texts in rows:
                    pairs = zip(self._columns.items(), texts, strict=True)
                    yield self._kind(**{name: read(text) for (name, read), text in pairs})
            except ValueError:
                raise self._not_mine() from None

    def _not_mine(self) -> CnnfixError:
        return CnnfixError(f"{self._file} is not a file of such results: choose another --out.")


def keep_settings(folder: Path, settings: Any, results: str) -> None:
    """Write settings, a dataclass, into the folder, which is made; where some are there they must be the same.

    results: the name of the file of rows. Raises CnnfixError where they differ, or rows have none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "settings.json"
    mine = json.loads(json.dumps(asdict(settings)))
    if file.exists():
        _compare(_kept(file), mine, folder)
    elif (folder / results).exists():
        raise CnnfixError(f"{folder} has results without settings: choose another --out.")
    else:
        draft = file.with_suffix(".tmp")
        draft.write_text(json.dumps(mine, indent=1) + "\n", "utf-8")
        os.replace(draft, file)


def _kept(file: Path) -> dict[str, Any]:
    try:
        kept = json.loads(file.read_text("utf-8"))
    except (ValueError, OSError):
        kept = None
    if not isinstance(kept, dict):
        raise CnnfixError(f"{file} cannot be read: choose another --out.")
    return kept


def _compare(kept: dict[str, Any], mine: dict[str, Any], folder: Path) -> None:
    other = [name for name in mine if kept.get(name) != mine[name]]
    if other:
        raise CnnfixError(
            f"The results in {folder} are of other {' and '.join(other)}: ask for the same, or choose another --out."
        )


def _cut_off_half_a_row(file: Path) -> None:
    with file.open("rb+") as content:
        end = content.seek(0, os.SEEK_END)
        # Rows are shorter than this: an error is the longest thing in one.
        content.seek(max(0, end - (1 << 20)))
        last = content.read()
        content.truncate(end - len(last) + last.rfind(b"\n") + 1)


def _number(text: str) -> float:
    return float(text or "nan")


_READ: dict[str, Callable[[str], Any]] = {"str": str, "int": int, "float": _number}


def _text(value: float | str) -> str:
    # One line a row, whatever an error says.
    return " ".join(value.split()) if isinstance(value, str) else "" if math.isnan(value) else f"{value:.9g}"


def _line(values: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", "surrogateescape")
