"""Masks, a PNG a picture, non-zero where the object is; labels.csv (image,label) beside them names the classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.benchmark.datasets.annotation import Annotation, AnnotationError, Annotations
from cnnfix_core.benchmark.datasets.csv_boxes import read_labels
from cnnfix_core.images import open_picture

LABELS = "labels.csv"


def read(folder: Path, files: Sequence[Path]) -> Annotations:
    """One annotation a mask; a picture is called as its mask, without the ending. The masks are not opened yet."""
    labels, complaints = read_labels(folder / LABELS) if (folder / LABELS).is_file() else ({}, [])
    names = {file: file.relative_to(folder).with_suffix("").as_posix() for file in files}
    found = (Annotation(name, labels.get(name, ""), mask=file) for file, name in names.items())
    return Annotations(tuple(found), tuple(complaints))


def open_mask(file: Path, width: int, height: int) -> NDArray[np.bool_]:
    """The mask of a picture of this size, (rows, columns); smaller than the picture where that is very large.

    Raises PictureError for a file that cannot be read, and AnnotationError where its size is another one.
    """
    picture = open_picture(file)
    if (picture.width, picture.height) != (width, height):
        raise AnnotationError(
            f"The mask {file.name} has {picture.width} x {picture.height} pixels, and its picture {width} x {height}."
        )
    inside: NDArray[np.bool_] = np.any(picture.pixels, axis=2)
    return inside
