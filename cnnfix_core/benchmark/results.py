"""Rows of a benchmark, and the file that keeps them while they come."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from cnnfix_core.errors import CnnfixError

NONE = math.nan
Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method on one model, picture and label. NaN: does not apply, or was not asked for.

    label: as annotated; "" where only the place is known. asked: the class that was explained, that of the label or
    else the predicted one. probability: of `asked`, 0 to 1. right: 1 where `predicted` is the label's class, else 0.
    peak, energy, evidence, iou, covered: of `cnnfix_core.metrics.numbers`. loc_given: 1 where iou >= 0.5.
    loc_top1: 1 where, besides, the prediction is right. insertion, deletion: areas under the curves of `asked`.
    layer: on which the map was drawn. error: why there are no numbers.
    """

    model: str
    picture: str
    label: str
    method: str
    predicted: str = ""
    asked: str = ""
    right: float = NONE
    probability: float = NONE
    peak: float = NONE
    energy: float = NONE
    evidence: float = NONE
    iou: float = NONE
    loc_top1: float = NONE
    loc_given: float = NONE
    insertion: float = NONE
    deletion: float = NONE
    covered: float = NONE
    seconds: float = NONE
    layer: str = ""
    error: str = ""

    @property
    def key(self) -> Key:
        """What no other row of a benchmark has."""
        return self.model, self.picture, self.label, self.method


COLUMNS = tuple(field.name for field in fields(Row))
_NUMBERS = {field.name for field in fields(Row) if field.type == "float"}


class Results:
    """A CSV file to which rows are added one by one; what was added survives the end of the process, however it ends.

    A row that was being written when the process was killed is cut off when the file is opened again.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.rows: list[Row] = []
        if file.exists():
            content = file.read_bytes()
            whole = content[: content.rfind(b"\n") + 1]
            if whole != content:
                os.truncate(file, len(whole))
            self.rows = _read(whole.decode("utf-8", "surrogateescape"), file)
        if not self.rows:
            file.write_bytes(_line(COLUMNS))
        self.keys = {row.key for row in self.rows}

    def add(self, row: Row) -> None:
        """Keep a row."""
        line = _line(_text(value) for value in astuple(row))
        with self._file.open("ab", buffering=0) as file:
            file.write(line)
        self.rows.append(row)
        self.keys.add(row.key)


def _read(text: str, file: Path) -> list[Row]:
    rows = list(csv.reader(io.StringIO(text)))
    try:
        if rows and tuple(rows[0]) != COLUMNS:
            raise ValueError
        return [_row(dict(zip(COLUMNS, row, strict=True))) for row in rows[1:]]
    except ValueError:
        raise CnnfixError(f"{file} is not a file of this benchmark's results: choose another --out.") from None


def _row(texts: dict[str, str]) -> Row:
    values = {name: float(text or "nan") if name in _NUMBERS else text for name, text in texts.items()}
    return Row(**values)  # type: ignore[arg-type]


def _text(value: float | str) -> str:
    # One line a row, whatever an error says.
    return " ".join(value.split()) if isinstance(value, str) else "" if math.isnan(value) else f"{value:.9g}"


def _line(values: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue().encode("utf-8", "surrogateescape")
