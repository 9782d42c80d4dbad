"""The ground truth that maps are measured against: boxes or a mask on a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Ints
from cnnfix_core.regions.boxes import Box, pixels_touched


@dataclass(frozen=True, slots=True, eq=False)
class GroundTruth:
    """Where the object is in a picture of width x height pixels: the union of the boxes and the mask.

    Attributes:
        width: In pixels.
        height: In pixels.
        boxes: Clipped to the picture; boxes outside it are dropped.
        mask: bool (rows, columns) of the whole picture, at any resolution.
    """

    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "boxes", tuple(cut for box in self.boxes if (cut := self._cut(box))))

    def on(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """The ground truth as a mask of this shape (rows, columns): a cell is inside if its centre is.

        A box or mask too small to contain any centre marks the cell it lies in.
        """
        inside = np.zeros(shape, bool)
        for x0, y0, x1, y1 in self.boxes:
            rows = _cells_inside(y0, y1, self.height, shape[0])
            columns = _cells_inside(x0, x1, self.width, shape[1])
            inside |= np.outer(rows, columns)
        return inside if self.mask is None else inside | _resized(self.mask, shape)

    def holds(self, xy: Ints) -> NDArray[np.bool_]:
        """Whether each of these pixels, (N, 2) columns and rows, is inside: (N,)."""
        x, y = np.asarray(xy).T
        inside = np.zeros(len(x), bool)
        for x0, y0, x1, y1 in self.boxes:
            inside |= (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
        if self.mask is not None:
            rows, columns = self.mask.shape
            inside |= self.mask[(2 * y + 1) * rows // (2 * self.height), (2 * x + 1) * columns // (2 * self.width)]
        return inside

    @property
    def empty(self) -> bool:
        """Whether the picture has no object."""
        return not self.boxes and (self.mask is None or not self.mask.any())

    @property
    def covered(self) -> float:
        """The share of the picture that is inside, 0 to 1; overlapping boxes count once."""
        if self.mask is None:
            return _union(self.boxes) / (self.width * self.height)
        return float(self.on((self.height, self.width)).mean() if self.boxes else self.mask.mean())

    @property
    def extents(self) -> tuple[Box, ...]:
        """The boxes, or the box around the mask if there are none."""
        if self.boxes or self.mask is None or not self.mask.any():
            return self.boxes
        rows, columns = np.nonzero(self.mask)
        y0, y1 = pixels_touched(rows, self.mask.shape[0], self.height)
        x0, x1 = pixels_touched(columns, self.mask.shape[1], self.width)
        return ((x0, y0, x1, y1),)

    def _cut(self, box: Box) -> Box | None:
        x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], self.width - 1), min(box[3], self.height - 1)
        return (x0, y0, x1, y1) if x0 <= x1 and y0 <= y1 else None


def _cells_inside(first: int, last: int, size: int, count: int) -> NDArray[np.bool_]:
    """Which of `count` cells along `size` pixels have their centre in the pixels first to last; at least one."""
    twice = (2 * np.arange(count) + 1) * size  # twice the centres, in 1 / count of a pixel: exact integers
    inside = (twice >= 2 * count * first) & (twice < 2 * count * (last + 1))
    if not inside.any():
        inside[(first + last + 1) * count // (2 * size)] = True
    return np.asarray(inside)


def _resized(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask sampled at the centre of each cell."""
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for old, new in zip(mask.shape, shape, strict=True))
    small = mask[np.ix_(rows, columns)]
    if not small.any():
        y, x = np.nonzero(mask)
        small[(2 * y + 1) * shape[0] // (2 * mask.shape[0]), (2 * x + 1) * shape[1] // (2 * mask.shape[1])] = True
    return small


def _union(boxes: Iterable[Box]) -> int:
    """Number of pixels in at least one of the boxes, without allocating a mask of the picture's size."""
    corners = np.array([(x0, y0, x1 + 1, y1 + 1) for x0, y0, x1, y1 in boxes], np.int64).reshape(-1, 4)
    xs, ys = np.unique(corners[:, ::2]), np.unique(corners[:, 1::2])
    inside = np.zeros((max(len(ys) - 1, 0), max(len(xs) - 1, 0)), bool)
    for x0, y0, x1, y1 in corners:
        inside |= np.outer((ys[:-1] >= y0) & (ys[1:] <= y1), (xs[:-1] >= x0) & (xs[1:] <= x1))
    return int(np.diff(ys) @ inside @ np.diff(xs))
