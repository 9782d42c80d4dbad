"""Hide parts of a picture by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from cnnfix_core.images import Picture
from cnnfix_core.regions import Box

Fill = Literal["grey", "blur"]
BrushStroke = tuple[float, float, float]
_GREY = 128


def painted(picture: Picture, strokes: Sequence[BrushStroke], fill: Fill = "grey") -> Picture:
    """Fill discs of the picture with grey, or with the blurred picture.

    Args:
        picture: The picture. It is returned itself if no pixel is hidden.
        strokes: Discs (x, y, radius) in original pixels, measured from the picture's upper left corner. A pixel is
            hidden if its centre lies in a disc.
        fill: "grey" or "blur".
    """
    return _filled(picture, _under_discs(picture, strokes), fill)


def boxed(picture: Picture, box: Box, fill: Fill = "grey") -> Picture:
    """Fill a box of the picture with grey, or with the blurred picture.

    Args:
        picture: The picture. It is returned itself if no pixel is hidden.
        box: x0, y0, x1, y1 in inclusive original pixels. A pixel is hidden if its centre lies in the box.
        fill: "grey" or "blur".
    """
    y, x = _centres(picture)
    x0, y0, x1, y1 = box
    return _filled(picture, (x0 <= x) & (x < x1 + 1) & (y0 <= y) & (y < y1 + 1), fill)


def _filled(picture: Picture, hidden: NDArray[np.bool_], fill: Fill) -> Picture:
    if not hidden.any():
        return picture
    pixels = picture.pixels.copy()
    pixels[hidden] = _blurred(picture)[hidden] if fill == "blur" else _GREY
    return picture.changed(pixels)


def _centres(picture: Picture) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Where the pixels' centres are in original pixels: down, as a column, and across."""
    rows, columns = picture.pixels.shape[:2]
    y = (np.arange(rows)[:, None] + 0.5) * picture.height / rows
    return y, (np.arange(columns) + 0.5) * picture.width / columns


def _under_discs(picture: Picture, strokes: Sequence[BrushStroke]) -> NDArray[np.bool_]:
    y, x = _centres(picture)
    hidden = np.zeros((y.size, x.size), bool)
    for across, down, radius in strokes:
        # Only the rows and columns that the disc touches, because a brush makes hundreds of discs.
        top, bottom = np.searchsorted(y[:, 0], (down - radius, down + radius))
        left, right = np.searchsorted(x, (across - radius, across + radius))
        near = slice(top, bottom + 1), slice(left, right + 1)
        hidden[near] |= (x[near[1]] - across) ** 2 + (y[near[0]] - down) ** 2 <= radius**2
    return hidden


def _blurred(picture: Picture) -> NDArray[np.uint8]:
    image = Image.fromarray(picture.pixels)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(max(image.size) / 20)))
