"""Gaussian blur, compiled: it is most of what a density costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats
from cnnfix_core.engine.jit import compiled

_REACH = 4  # in standard deviations, beyond which a Gaussian counts as 0


def blurred(grid: NDArray[Any], sigma: tuple[float, float]) -> Floats:
    """What `scipy.ndimage.gaussian_filter(grid, sigma, mode="constant")` gives, to the last bit.

    Args:
        grid: (H, W).
        sigma: The standard deviation in cells, (down, across).
    """
    down, across = map(_gaussian, sigma)
    return _both_ways(np.ascontiguousarray(grid, float), down, across)


def _gaussian(sigma: float) -> Floats:
    """The weights of the neighbours, which sum to 1."""
    reach = int(_REACH * sigma + 0.5)
    weights: Floats = np.exp(-0.5 / max(sigma, 1e-15) ** 2 * np.arange(-reach, reach + 1) ** 2)
    weights /= weights.sum()
    return weights


@compiled
def _both_ways(grid: Floats, down: Floats, across: Floats) -> Floats:
    # Neighbours at the same distance are added first, the farthest pair first, as SciPy does. Every inner loop goes
    # over slices from 0, without calls, so that it becomes vector instructions.
    rows, columns = grid.shape
    high, wide = len(down) // 2, len(across) // 2
    padded = np.zeros((rows + 2 * high, columns))
    padded[high : high + rows] = grid
    line = np.zeros(columns + 2 * wide)
    found = np.empty((rows, columns))
    for row in range(rows):
        inner, centre, weight = line[wide : wide + columns], padded[row + high], down[high]
        for column in range(columns):
            inner[column] = centre[column] * weight
        for distance in range(high, 0, -1):
            above, below = padded[row + high - distance], padded[row + high + distance]
            weight = down[high - distance]
            for column in range(columns):
                inner[column] += (above[column] + below[column]) * weight
        out, weight = found[row], across[wide]
        for column in range(columns):
            out[column] = inner[column] * weight
        for distance in range(wide, 0, -1):
            left = line[wide - distance : wide - distance + columns]
            right = line[wide + distance : wide + distance + columns]
            weight = across[wide - distance]
            for column in range(columns):
                out[column] += (left[column] + right[column]) * weight
    return found
