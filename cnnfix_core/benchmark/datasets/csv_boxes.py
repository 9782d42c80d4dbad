"""Read boxes from a CSV file: image,label,x0,y0,x1,y1 with one box per row, or ImageNet's ImageId,PredictionString."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from cnnfix_core.benchmark.datasets.annotation import (
    Annotation,
    AnnotationError,
    Annotations,
    corners,
    together,
    without_ending,
)

MAX_CSV_BYTES = 200_000_000
_BOXES = ("image", "label", "x0", "y0", "x1", "y1")
_IMAGENET = ("ImageId", "PredictionString")
_LABELS = ("image", "label")

Fields = dict[str, str]
Reader = Callable[[Fields], Iterator[Annotation]]


def read(file: Path) -> Annotations:
    """Read the boxes; the first line decides which of the two formats it is. Raises AnnotationError for any other."""
    found, complaints = _rows(file, {_BOXES: _box_row, _IMAGENET: _imagenet_row})
    return Annotations(together(found), tuple(complaints))


def read_labels(file: Path) -> tuple[dict[str, str], list[str]]:
    """Read the label of each picture from a file whose first line is image,label; also returns complaints."""
    found, complaints = _rows(file, {_LABELS: _label_row})
    return {one.picture: one.label for one in found}, complaints


def _rows(file: Path, kinds: dict[tuple[str, ...], Reader]) -> tuple[list[Annotation], list[str]]:
    if file.stat().st_size > MAX_CSV_BYTES:
        raise AnnotationError(f"{file} is larger than {MAX_CSV_BYTES / 1e6:g} MB.")
    found: list[Annotation] = []
    complaints: list[str] = []
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
        rows = csv.DictReader(text, restval="", restkey="")
        try:
            columns = tuple(name.strip() for name in rows.fieldnames or ())
            kind = kinds.get(columns)
            if kind is None:
                known = " or ".join(",".join(names) for names in kinds)
                raise AnnotationError(f"The first line of {file} must be {known}.")
            rows.fieldnames = columns
            for row in rows:
                try:
                    found += kind({name: value.strip() for name, value in row.items() if name})
                except ValueError as error:
                    complaints.append(f"{file}, line {rows.line_num}, is left out: {error}.")
        except csv.Error as error:
            raise AnnotationError(f"{file}, line {rows.line_num}, is not CSV: {error}.") from None
    return found, complaints


def _picture(name: str) -> str:
    if not name:
        raise ValueError("it names no picture")
    return without_ending(name)


def _box_row(row: Fields) -> Iterator[Annotation]:
    box = corners(row[side] for side in _BOXES[2:])
    yield Annotation(_picture(row["image"]), " ".join(row["label"].split()), (box,))


def _label_row(row: Fields) -> Iterator[Annotation]:
    yield Annotation(_picture(row["image"]), " ".join(row["label"].split()))


def _imagenet_row(row: Fields) -> Iterator[Annotation]:
    """Repeated groups of a label and four numbers: "n01440764 10 20 200 300 n01440764 ..."."""
    words = row["PredictionString"].split()
    if not words or len(words) % 5:
        raise ValueError("it must list a label and four numbers for each box")
    boxes = [
        Annotation(_picture(row["ImageId"]), words[n], (corners(words[n + 1 : n + 5]),))
        for n in range(0, len(words), 5)
    ]
    yield from boxes
