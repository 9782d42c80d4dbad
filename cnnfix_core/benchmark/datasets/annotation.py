"""Annotations of pictures: labels with boxes or a mask, read from XML, CSV or a folder of masks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import ENDINGS
from cnnfix_core.regions import Box

_LARGEST = 1e6  # pixels: no picture has a longer side


class AnnotationError(CnnfixError):
    """Annotations cannot be read. The message says which, where and why."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """The annotation of one label in one picture.

    Attributes:
        picture: Its path in the folder, or its name, without the extension.
        label: A WordNet ID, a name or a class number; "" if only the location is annotated.
        boxes: In inclusive pixels, as in the file.
        mask: A file that is non-zero where the object is.
        size: Width and height of the picture for which the boxes were drawn, if the file has them.
    """

    picture: str
    label: str
    boxes: tuple[Box, ...] = ()
    mask: Path | None = None
    size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations that were read. complaints: one sentence for each that could not be read."""

    found: tuple[Annotation, ...]
    complaints: tuple[str, ...] = ()


def corners(numbers: Iterable[str | None]) -> Box:
    """Parse a box x0, y0, x1, y1 and round it to whole pixels. Raises ValueError, which says what is wrong."""
    written = list(numbers)
    try:
        sides = [float(number or "") for number in written]
    except ValueError:
        raise ValueError("a box is four numbers: x0, y0, x1, y1") from None
    if len(sides) != 4 or not all(math.isfinite(side) and abs(side) < _LARGEST for side in sides):
        raise ValueError("a box is four numbers: x0, y0, x1, y1")
    x0, y0, x1, y1 = (round(side) for side in sides)
    if x1 < x0 or y1 < y0:
        raise ValueError(f"the box {x0},{y0},{x1},{y1} ends before it starts")
    return x0, y0, x1, y1


def without_ending(name: str) -> str:
    """Normalise a picture's name for comparison: forward slashes, no picture file extension, one line."""
    name = " ".join(name.split()).replace("\\", "/").removeprefix("./")
    head, dot, ending = name.rpartition(".")
    return head if dot and head and ending.lower() in (*ENDINGS, "xml") else name


def together(boxes: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """Merge the boxes into one annotation per picture and label, in the original order."""
    joined: dict[tuple[str, str], Annotation] = {}
    for one in boxes:
        before = joined.get((one.picture, one.label))
        joined[one.picture, one.label] = replace(before, boxes=before.boxes + one.boxes) if before else one
    return tuple(joined.values())
