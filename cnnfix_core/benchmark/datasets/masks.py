"""Masks: one PNG per picture, non-zero where the object is. labels.csv (image,label) in the folder has the labels."""

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
    """One annotation per mask; a mask has its picture's name. The masks are not opened yet."""
    labels, complaints = read_labels(folder / LABELS) if (folder / LABELS).is_file() else ({}, ())
    names = {file: file.relative_to(folder).with_suffix("").as_posix() for file in files}
    found = (Annotation(name, labels.get(name, ""), mask=file) for file, name in names.items())
    return Annotations(tuple(found), complaints)


def open_mask(file: Path, width: int, height: int) -> NDArray[np.bool_]:
    """Open the mask of a picture with this size: (rows, columns), reduced for very large pictures.

    Raises:
        PictureError: The file cannot be read.
        AnnotationError: The mask has another size.
    """
    picture = open_picture(file)
    if (picture.width, picture.height) != (width, height):
        raise AnnotationError(
            f"The mask {file.name} has {picture.width} x {picture.height} pixels, and its picture {width} x {height}."
        )
    inside: NDArray[np.bool_] = np.any(picture.pixels, axis=2)
    return inside
