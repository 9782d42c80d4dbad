"""Reading a map: which part of the picture holds how much of it. One scale for all methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats

# A map is shown as the smallest areas that hold these shares of it: the same question to every method, so that maps of
# different units and peaks can be compared without scaling each by its own maximum.
BANDS = (0.1, 0.25, 0.5, 0.75, 0.9)
# Longest side on which maps are computed for the page, the command line and the benchmark, so that their numbers are
# the same; finer than any network's input.
MAP_SIDE = 448


def held_share(density: NDArray[np.floating], among: NDArray[np.floating] | None = None) -> Floats:
    """For each place the share of the map that lies at places at least as strong: 0 at the peak to 1. Same shape.

    Equally strong places get the same share. A map of zeros, or of one value, gives 1 everywhere.
    among: the map whose shares count, where `density` is a part of it.
    """
    flat = np.asarray(density if among is None else among, float).reshape(-1)
    values, group = np.unique(flat, return_inverse=True)
    mass = np.bincount(group, weights=flat, minlength=len(values))
    # From the strongest down; each group's own mass is counted half, so that shares grow evenly.
    above = np.cumsum(mass[::-1])[::-1]
    total = above[0]
    if total <= 0 or len(values) == 1:
        return np.ones(density.shape)
    if among is not None:
        group = np.searchsorted(values, np.asarray(density, float).reshape(-1)).clip(max=len(values) - 1)
    held: Floats = ((above - mass / 2) / total)[group].reshape(density.shape)
    return held


def floors(density: NDArray[np.floating], shares: Sequence[float]) -> Floats:
    """The values down to which the smallest regions with these shares of the map reach.

    A region takes in the strongest places until they hold its share. Infinite for a map of zeros, which has no region.
    """
    falling = np.sort(density, axis=None)[::-1].astype(float)
    held = np.cumsum(falling)
    if held[-1] <= 0:
        return np.full(len(shares), np.inf)
    enough = np.searchsorted(held, np.array(shares) * held[-1] * (1 - 1e-9))
    found: Floats = falling[np.minimum(enough, falling.size - 1)]
    return found


def region_holding(density: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    """The smallest region that holds this share of the map, as a mask; equally strong places are in or out together."""
    mask: NDArray[np.bool_] = density >= floors(density, [share])[0]
    return mask


def area_holding(density: NDArray[np.floating], share: float) -> float:
    """Part of the picture, 0 to 1, that the smallest region with this share of the map covers."""
    return float(region_holding(density, share).mean())


def where(density: NDArray[np.floating], share: float = 0.5) -> str:
    """In words, in which ninth of the picture most of the smallest region with this share lies."""
    region = region_holding(density, share)
    strong = np.where(region, density, 0)
    if region.all() or not region.any():
        return "nowhere in particular"
    rows, columns = (np.linspace(0, size, 4).round().astype(int) for size in density.shape)
    mass = [
        (strong[rows[r] : rows[r + 1], columns[c] : columns[c + 1]].sum(), r, c) for r in range(3) for c in range(3)
    ]
    _, row, column = max(mass)
    if row == column == 1:
        return "in the middle"
    vertical, horizontal = ("upper", "middle", "lower")[row], ("left", "centre", "right")[column]
    return f"in the {vertical} {horizontal}"
