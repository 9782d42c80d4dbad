"""Bounding boxes: derive one from a map, and measure how well two boxes overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from cnnfix_core.regions.highest_density import region_holding

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels of the original picture, inclusive."""


@dataclass(frozen=True, slots=True)
class BoxRule:
    """How a map becomes a box: the extent of a region of it.

    Attributes:
        kind: "share": the smallest region that holds the share `level` of the map. "threshold": the cells with at
            least `level` times the maximum (0.2 in Zhou et al., Learning Deep Features for Discriminative
            Localization, CVPR 2016).
        level: 0 to 1.
        largest: Use only the largest connected component of the region, with diagonal neighbours connected.
    """

    kind: Literal["share", "threshold"]
    level: float
    largest: bool = False

    def region(self, map_: NDArray[np.floating]) -> NDArray[np.bool_]:
        """The region as a mask; empty for a map of zeros."""
        if not map_.max(initial=0) > 0:
            return np.zeros(map_.shape, bool)
        if self.kind == "share":
            region = region_holding(map_, self.level)
        else:
            region = np.asarray(map_ >= self.level * map_.max())
        return _largest_part(region) if self.largest else region


def box_of(map_: NDArray[np.floating], rule: BoxRule, width: int, height: int) -> Box | None:
    """The box of a map of any size, in a picture of width x height pixels; None for a map of zeros."""
    rows, columns = np.nonzero(rule.region(map_))
    if not len(rows):
        return None
    y0, y1 = pixels_touched(rows, map_.shape[0], height)
    x0, x1 = pixels_touched(columns, map_.shape[1], width)
    return x0, y0, x1, y1


def pixels_touched(cells: NDArray[np.integer], count: int, size: int) -> tuple[int, int]:
    """First and last pixel that these cells overlap, when `size` pixels are divided into `count` cells."""
    first, end = int(cells.min()), int(cells.max()) + 1
    return first * size // count, -(-end * size // count) - 1


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes of inclusive pixels, 0 to 1."""
    across = min(one[2], other[2]) - max(one[0], other[0]) + 1
    down = min(one[3], other[3]) - max(one[1], other[1]) + 1
    common = max(across, 0) * max(down, 0)
    return common / (area(one) + area(other) - common)


def area(box: Box) -> int:
    """Number of pixels in a box."""
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)


def best_iou(box: Box | None, boxes: Iterable[Box]) -> float:
    """The highest IoU with any of the boxes; 0 if `box` is None, NaN if there are no boxes to compare with."""
    found = [0.0 if box is None else iou(box, other) for other in boxes]
    return max(found, default=float("nan"))


def _largest_part(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, _ = label(region, np.ones((3, 3)))
    sizes = np.bincount(parts.reshape(-1))
    sizes[0] = 0
    largest: NDArray[np.bool_] = parts == sizes.argmax()
    return largest
