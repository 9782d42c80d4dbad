"""Boxes and outlines in text files as YOLO writes them, one per picture: a class number and shares of the picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from cnnfix_core.benchmark.datasets.annotation import (
    Annotation,
    AnnotationError,
    Annotations,
    Sides,
    read_files,
    read_parts,
    shares,
)

MAX_TXT_BYTES = 10_000_000
_DIGITS = 9  # of the number of a class
NAMES = ("classes.txt", "obj.names")
"""Files with the names of the classes, one per line, in the folder or the one above."""


def read(folder: Path, files: Sequence[Path]) -> Annotations:
    """Read the lines of these files: class, centre x, centre y, width, height; or class, x, y, x, y, ... of an outline.

    A file has its picture's name; one without lines is of a picture without objects. Labels are names of classes where
    there is a file with them, and numbers elsewhere.

    Raises:
        AnnotationError: The names of classes cannot be read.
    """
    names = _names(folder)

    def lines(file: Path, picture: str) -> Annotations:
        numbered = ((number, line.split()) for number, line in enumerate(_lines(file), 1) if line.strip())
        return read_parts(file, "line", numbered, lambda words: _one(picture, words, names))

    return read_files(folder, (file for file in files if file.name not in NAMES), lines)


def _names(folder: Path) -> list[str]:
    for place in (folder, folder.parent):
        for name in NAMES:
            if (place / name).is_file():
                return [" ".join(line.split()) for line in _named_lines(place / name)]
    return []


def _named_lines(file: Path) -> list[str]:
    try:
        return _lines(file)
    except (ValueError, OSError) as error:
        raise AnnotationError(f"The names of classes in {file} cannot be read: {error}.") from error


def _lines(file: Path) -> list[str]:
    if file.stat().st_size > MAX_TXT_BYTES:
        raise ValueError(f"it is larger than {MAX_TXT_BYTES / 1e6:g} MB")
    try:
        return file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError("it is not a text file") from None


def _one(picture: str, words: Sequence[str], names: Sequence[str]) -> Annotation:
    label, sides = words[0], _sides(words[1:])
    if not label.isdecimal() or len(label) > _DIGITS:
        raise ValueError("a line is a class number and shares of the picture, from 0 to 1")
    number = int(label)
    if names and number >= len(names):
        raise ValueError(f"there is no name for class {number}")
    return Annotation(picture, names[number] if names else str(number), shares=(shares(sides),))


def _sides(words: Sequence[str]) -> Sides:
    """Of a centre and a size, perhaps with a confidence behind them, or of an outline of three points or more."""
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        numbers = []
    if not all(math.isfinite(one) and -0.01 <= one <= 1.01 for one in numbers):
        raise ValueError("its numbers must be shares of the picture, from 0 to 1")
    if len(numbers) in (4, 5):
        x, y, width, height = numbers[:4]
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError("a line is a class number and four numbers of a box, or two for each point of an outline")
    return min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])
