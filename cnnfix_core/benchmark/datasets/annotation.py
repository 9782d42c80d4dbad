"""What is known of pictures: labels with boxes, or a mask. Read from XML, CSV or a folder of masks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import ENDINGS
from cnnfix_core.regions import Box

_LARGEST = 1e6  # pixels: no side of a picture is longer


class AnnotationError(CnnfixError):
    """Annotations cannot be read; the message says which, where and why."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is known of one label of one picture.

    picture: its path in the folder, or its name, without the ending. label: a WordNet number, a name or a class number;
    "" where only the place is known. boxes: inclusive pixels, as written. mask: a file, non-zero where the object is.
    size: width and height of the picture for which the boxes were drawn, where that is written.
    """

    picture: str
    label: str
    boxes: tuple[Box, ...] = ()
    mask: Path | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Annotations:
    """All that was read. complaints: one sentence for each place that could not be."""

    found: tuple[Annotation, ...]
    complaints: tuple[str, ...] = ()


def corners(numbers: Iterable[str | None]) -> Box:
    """x0, y0, x1, y1 as written, to whole pixels. Raises ValueError with what is wrong."""
    written = list(numbers)
    try:
        sides = [float(number or "") for number in written]
    except ValueError:
        raise ValueError("a box is four numbers: x0, y0, x1, y1") from None
    if len(sides) != 4 or not all(math.isfinite(side) and abs(side) < _LARGEST for side in sides):
        raise ValueError("a box is four numbers: x0, y0, x1, y1")
    x0, y0, x1, y1 = (round(side) for side in sides)
    if x1 < x0 or y1 < y0:
        raise ValueError(f"the box {x0},{y0},{x1},{y1} ends before it begins")
    return x0, y0, x1, y1


def without_ending(name: str) -> str:
    """A picture's name as it is compared: forward slashes, no ending of a picture's file, one line."""
    name = " ".join(name.split()).replace("\\", "/").removeprefix("./")
    head, dot, ending = name.rpartition(".")
    return head if dot and head and ending.lower() in (*ENDINGS, "xml") else name


def together(boxes: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """One annotation a picture and label, in the order in which they came, with all boxes of it."""
    joined: dict[tuple[str, str], Annotation] = {}
    for one in boxes:
        before = joined.get((one.picture, one.label))
        joined[one.picture, one.label] = replace(before, boxes=before.boxes + one.boxes) if before else one
    return tuple(joined.values())
