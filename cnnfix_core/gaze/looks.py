"""Where people looked, or think that a network looks: points on a picture, and the map that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import EVIDENCE
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import density_of, sigma_of
from cnnfix_core.regions import Box

_BOX_POINTS = 32  # across and down: what a box is made of


class GazeError(CnnfixError):
    """Points cannot be used. The message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Points on one picture, of one observer or of several `together`.

    Attributes:
        xy: (N, 2), in pixels from the upper left corner: columns in [0, width), rows in [0, height).
        weights: (N,) > 0, which sum to 1.
        width: The width of the picture.
        height: The height of the picture.
        box: x0, y0, x1, y1 in inclusive pixels if the observer drew this box, which the points fill; None for points.
    """

    xy: Floats
    weights: Floats
    width: int
    height: int
    box: Box | None = None

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.width, self.height

    def cells(self, shape: tuple[int, ...]) -> Ints:
        """(N,), the cell of a map of this shape (H, W) in which each point lies, counted row by row."""
        rows, columns = shape
        x = (self.xy[:, 0] * columns / self.width).astype(np.int64)
        y = (self.xy[:, 1] * rows / self.height).astype(np.int64)
        return np.minimum(y, rows - 1) * columns + np.minimum(x, columns - 1)


def looks(
    points: Sequence[Sequence[float]] | NDArray[np.floating],
    size: tuple[int, int],
    weights: Sequence[float] | NDArray[np.floating] | None = None,
) -> Looks:
    """The points of one observer.

    Args:
        points: (N, 2), x and y in pixels of the picture, from its upper left corner.
        size: (width, height) of the picture.
        weights: (N,), such as durations, whose sum does not matter; None for equal ones. Points of weight 0 are left
            out.

    Raises:
        GazeError: There is no point, one lies outside the picture, or a weight is negative.
    """
    xy = np.asarray(points, float).reshape(-1, 2)
    given = np.ones(len(xy)) if weights is None else np.asarray(weights, float)
    if len(given) != len(xy):
        raise GazeError(f"There are {len(xy)} points and {len(given)} weights: give one weight for each point.")
    if not (np.isfinite(given) & (given >= 0)).all():
        raise GazeError("A weight is negative or no number: weights must be 0 or more.")
    inside = ((xy >= 0) & (xy < size)).all(axis=1)
    if not inside.all():
        x, y = xy[~inside][0]
        raise GazeError(f"The point ({x:g}, {y:g}) lies outside the picture, which has {size[0]} x {size[1]} pixels.")
    given = given / (given.max(initial=0) or 1)  # the sum of the largest would not be finite
    kept = given > 0
    if not kept.any():
        raise GazeError("There is no point with a weight: give at least one.")
    return Looks(xy[kept], given[kept] / given.sum(), *size)


def looks_in(box: Box, size: tuple[int, int]) -> Looks:
    """A box that an observer drew, as points that fill it evenly.

    Args:
        box: x0, y0, x1, y1 in inclusive pixels.
        size: (width, height) of the picture.

    Raises:
        GazeError: The box leaves the picture, or its corners are in the wrong order.
    """
    x0, y0, x1, y1 = box
    if not (0 <= x0 <= x1 < size[0] and 0 <= y0 <= y1 < size[1]):
        raise GazeError(f"The box {box} does not lie in the picture, which has {size[0]} x {size[1]} pixels.")
    steps = (np.arange(_BOX_POINTS) + 0.5) / _BOX_POINTS
    x, y = np.meshgrid(x0 + steps * (x1 + 1 - x0), y0 + steps * (y1 + 1 - y0))
    return replace(looks(np.stack([x, y], axis=2), size), box=box)


def together(observers: Sequence[Looks]) -> Looks:
    """The points of several observers of one picture; each observer counts equally, however many points there are."""
    first = observers[0]
    if any(one.size != first.size for one in observers):
        raise GazeError("These points are not of one picture: its size differs.")
    if len(observers) == 1:
        return first
    weights = [one.weights / len(observers) for one in observers]
    return Looks(np.concatenate([one.xy for one in observers]), np.concatenate(weights), *first.size)


def look_map(looks: Looks, sigma: float | tuple[float, float] | None = None, longest_side: int | None = None) -> Floats:
    """The points blurred with a Gaussian: (H, W) of the picture, sums to 1.

    Args:
        looks: The points of one observer, or of several `together`.
        sigma: The standard deviation in pixels of the picture, one number or (horizontal, vertical): that of the map
            it will be compared with, `Fixations.sigma`. None for that of fixations on the whole picture.
        longest_side: Limit the longest side of the map, to get a smaller one of the same aspect ratio.
    """
    used = sigma_of(EVIDENCE, looks.size) if sigma is None else sigma
    return density_of(looks.xy, looks.weights, looks.size, used, longest_side)
