"""Annotations of pictures: labels with boxes or a mask, read from tables, XML, JSON, text files or masks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

from cnnfix_core.errors import CnnfixError
from cnnfix_core.regions import Box

Part = TypeVar("Part")
Sides = tuple[float, float, float, float]
"""Left, top, right and bottom of a box."""

_LARGEST = 1e6  # pixels: no picture has a longer side
_DIGITS = 9


class AnnotationError(CnnfixError):
    """Annotations cannot be read. The message says which, where and why."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """The annotation of one label in one picture.

    Attributes:
        picture: Its path in the folder, or its name, without the extension.
        label: A WordNet ID, a name or a class number; "" if only the location is annotated.
        boxes: In inclusive pixels, as in the file.
        shares: Further boxes, whose left, top, right and bottom are shares of width and height, 0 to 1.
        mask: A file that is non-zero where the object is.
        size: Width and height of the picture for which the boxes were drawn, if the file has them.
    """

    picture: str
    label: str
    boxes: tuple[Box, ...] = ()
    mask: Path | None = None
    size: tuple[int, int] | None = None
    shares: tuple[Sides, ...] = ()

    def boxes_in(self, width: int, height: int) -> tuple[Box, ...]:
        """All boxes, in inclusive pixels of a picture of this size."""
        return self.boxes + tuple(in_pixels(one, width, height) for one in self.shares)


@dataclass(frozen=True, slots=True)
class Annotations:
    """The annotations that were read. complaints: one sentence for each that could not be read."""

    found: tuple[Annotation, ...]
    complaints: tuple[str, ...] = ()


def corners(numbers: Iterable[str | float | None]) -> Box:
    """Parse a box x0, y0, x1, y1 and round it to whole pixels. Raises ValueError, which says what is wrong."""
    sides = _four(numbers)
    if are_shares(sides) and not all(side.is_integer() for side in sides):
        raise ValueError("its numbers are from 0 to 1, and must be pixels")
    x0, y0, x1, y1 = (round(side) for side in sides)
    if x1 < x0 or y1 < y0:
        raise ValueError(f"the box {x0},{y0},{x1},{y1} ends before it starts")
    return x0, y0, x1, y1


def are_shares(sides: Sides) -> bool:
    """Whether the numbers of a box can be shares of the picture, from 0 to 1 but for rounding."""
    return all(-0.01 <= side <= 1.01 for side in sides)


def shares(sides: Sides) -> Sides:
    """A box as shares of the picture, within it. Raises ValueError if it ends before it starts."""
    x0, y0, x1, y1 = (min(max(side, 0.0), 1.0) for side in _four(sides))
    if x1 < x0 or y1 < y0:
        raise ValueError(f"the box {x0:g},{y0:g},{x1:g},{y1:g} ends before it starts")
    return x0, y0, x1, y1


def in_pixels(sides: Sides, width: int, height: int) -> Box:
    """The inclusive pixels of a box in shares of a picture of this size."""
    x0, y0, x1, y1 = (round(side * size) for side, size in zip(sides, (width, height) * 2, strict=True))
    return x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)


def _four(numbers: Iterable[str | float | None]) -> Sides:
    try:
        sides = [as_float(number) if number is not None else math.nan for number in numbers]
    except ValueError:
        sides = []
    if len(sides) != 4 or not all(math.isfinite(side) and abs(side) < _LARGEST for side in sides):
        raise ValueError("a box is four numbers: x0, y0, x1, y1")
    return sides[0], sides[1], sides[2], sides[3]


def as_float(number: str | float) -> float:
    """The number; NaN if it is too large, as whole numbers in JSON can be. Raises ValueError."""
    try:
        return float(number)
    except OverflowError:
        return math.nan


def whole_size(width: str, height: str) -> tuple[int, int] | None:
    """Width and height of a picture in pixels; None where one is 0, as for unknown, or no whole number."""
    sides = [int(one) if one.isdecimal() and len(one) <= _DIGITS else 0 for one in (width, height)]
    return (sides[0], sides[1]) if all(sides) else None


def read_parts(
    file: Path, unit: str, parts: Iterable[tuple[int, Part]], read: Callable[[Part], Annotation], lacks: str = ""
) -> Annotations:
    """Read the parts of a file that can be read; each other costs a complaint.

    Args:
        file: Whose parts they are.
        unit: What a part is called, such as "line".
        parts: With their numbers in the file.
        read: Reads one. Raises ValueError, which says what is wrong.
        lacks: What is wrong with a part for which reading it fails in another way.
    """
    found: list[Annotation] = []
    complaints: list[str] = []
    for number, part in parts:
        try:
            found.append(read(part))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            why = error if type(error) is ValueError else lacks or error
            complaints.append(f"{file}, {unit} {number}, is left out: {why}.")
    return Annotations(together(found), tuple(complaints))


def read_files(folder: Path, files: Iterable[Path], read: Callable[[Path, str], Annotations]) -> Annotations:
    """Read the files that can be read, one per picture; each other costs a complaint.

    Args:
        folder: In which they are.
        files: The files.
        read: Reads one, given the name of its picture. Raises ValueError, which says what is wrong.
    """
    found: list[Annotation] = []
    complaints: list[str] = []
    for file in files:
        try:
            one = read(file, file.relative_to(folder).with_suffix("").as_posix())
        except (ValueError, OSError) as error:
            complaints.append(f"{file} is left out: {error}.")
        else:
            found += one.found
            complaints += one.complaints
    return Annotations(tuple(found), tuple(complaints))


def together(boxes: Iterable[Annotation]) -> tuple[Annotation, ...]:
    """Merge the boxes into one annotation per picture and label, in the original order."""
    groups: dict[tuple[str, str], list[Annotation]] = {}
    for one in boxes:
        groups.setdefault((one.picture, one.label), []).append(one)
    return tuple(_merged(group) for group in groups.values())


def _merged(group: Sequence[Annotation]) -> Annotation:
    boxes = chain.from_iterable(one.boxes for one in group)
    parts = chain.from_iterable(one.shares for one in group)
    return replace(group[0], boxes=tuple(boxes), shares=tuple(parts))
