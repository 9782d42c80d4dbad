"""Boxes: from a map to the box of what it points at, and how well two boxes agree."""

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

    kind: "share": the smallest region that holds this part of the map (level 0 to 1); "threshold": the places with at
    least this part of the maximum (Zhou et al., Learning Deep Features for Discriminative Localization, CVPR 2016,
    took 0.2). largest: only the largest connected part of the region counts, diagonal neighbours included.
    """

    kind: Literal["share", "threshold"]
    level: float
    largest: bool = False

    def region(self, saliency: NDArray[np.floating]) -> NDArray[np.bool_]:
        """The region as a mask; empty for a map of zeros."""
        if not saliency.max(initial=0) > 0:
            return np.zeros(saliency.shape, bool)
        if self.kind == "share":
            region = region_holding(saliency, self.level)
        else:
            region = np.asarray(saliency >= self.level * saliency.max())
        return _largest_part(region) if self.largest else region


def box_of(saliency: NDArray[np.floating], rule: BoxRule, width: int, height: int) -> Box | None:
    """The box of a map (of any size) in a picture of width x height pixels; None for a map of zeros."""
    rows, columns = np.nonzero(rule.region(saliency))
    if not len(rows):
        return None
    y0, y1 = touched(rows, saliency.shape[0], height)
    x0, x1 = touched(columns, saliency.shape[1], width)
    return x0, y0, x1, y1


def touched(cells: NDArray[np.integer], count: int, size: int) -> tuple[int, int]:
    """First and last of `size` pixels, divided into `count` cells, that these cells touch."""
    first, end = int(cells.min()), int(cells.max()) + 1
    return first * size // count, -(-end * size // count) - 1


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes of inclusive pixels, 0 to 1."""
    across = min(one[2], other[2]) - max(one[0], other[0]) + 1
    down = min(one[3], other[3]) - max(one[1], other[1]) + 1
    common = max(across, 0) * max(down, 0)
    return common / (area(one) + area(other) - common)


def area(box: Box) -> int:
    """Pixels of a box."""
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)


def best_iou(box: Box | None, boxes: Iterable[Box]) -> float:
    """The highest IoU with any of the boxes; 0 for no box, and NaN where there is none to be found."""
    found = [0.0 if box is None else iou(box, other) for other in boxes]
    return max(found, default=float("nan"))


def _largest_part(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    parts, _ = label(region, np.ones((3, 3)))
    sizes = np.bincount(parts.reshape(-1))
    sizes[0] = 0
    largest: NDArray[np.bool_] = parts == sizes.argmax()
    return largest
