"""Reading a map on one scale for all methods: which region of the picture holds which share of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats

# A map is shown as the smallest regions that hold these shares of it. That makes maps with different units and peaks
# comparable, without scaling each by its own maximum.
BANDS = (0.1, 0.25, 0.5, 0.75, 0.9)
# Longest side of the maps that the app, the command line and the benchmark compute, so that their numbers agree; finer
# than any network's input.
MAP_SIDE = 448
_HEIGHTS = 4096  # between 0 and a map's maximum


def held_share(density: NDArray[np.floating], among: NDArray[np.floating] | None = None) -> Floats:
    """For each cell, the share of the map held by cells at least as strong, from 0 at the peak to 1.

    Cells of equal value get the same share. A constant map gives 1 everywhere.

    Args:
        density: The map, of any shape.
        among: The map to take shares of, if `density` is only a part of it.

    Returns:
        An array of the shape of `density`.
    """
    flat = np.asarray(density if among is None else among, float).reshape(-1)
    values, group = np.unique(flat, return_inverse=True)
    mass = np.bincount(group, weights=flat, minlength=len(values))
    # From the strongest down; half of each group's own mass is counted, so that shares grow evenly.
    above = np.cumsum(mass[::-1])[::-1]
    total = above[0]
    if total <= 0 or len(values) == 1:
        return np.ones(density.shape)
    if among is not None:
        group = np.searchsorted(values, np.asarray(density, float).reshape(-1)).clip(max=len(values) - 1)
    held: Floats = ((above - mass / 2) / total)[group].reshape(density.shape)
    return held


def floors(density: NDArray[np.floating], shares: Sequence[float]) -> Floats:
    """The lowest value inside the smallest region that holds each of these shares of the map.

    A region takes the strongest cells until they hold its share. Infinite for a map of zeros, which has no region.
    """
    flat = np.asarray(density, float).reshape(-1)
    total = flat.sum()
    if total <= 0:
        return np.full(len(shares), np.inf)
    # Counted by height first, so that only the cells as high as a floor need to be sorted.
    height = (flat / flat.max() * (_HEIGHTS - 1)).astype(np.int32).clip(0, _HEIGHTS - 1)
    mass = np.bincount(height, flat, _HEIGHTS)[::-1]
    above = np.cumsum(mass) - mass
    found = np.empty(len(shares))
    for number, wanted in enumerate(np.array(shares) * total * (1 - 1e-9)):
        place = max(int(np.searchsorted(above, wanted)) - 1, 0)
        falling = np.sort(flat[height == _HEIGHTS - 1 - place])[::-1]
        enough = np.searchsorted(above[place] + np.cumsum(falling), wanted)
        found[number] = falling[min(enough, falling.size - 1)]
    return found


def region_holding(density: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    """The smallest region that holds this share of the map, as a mask; cells of equal value are in or out together."""
    mask: NDArray[np.bool_] = density >= floors(density, [share])[0]
    return mask


def area_holding(density: NDArray[np.floating], share: float) -> float:
    """Area of the smallest region that holds this share of the map, as a share of the picture (0 to 1)."""
    return float(region_holding(density, share).mean())


def strongest_ninth(density: NDArray[np.floating], share: float = 0.5) -> tuple[str, float]:
    """The ninth of the picture that has the largest part of the smallest region with this share.

    Returns:
        Its name, "in the middle", and its part of what the region holds, 0 to 1. A map of zeros has no such ninth: its
        part is 0.
    """
    strong = np.where(region_holding(density, share), density, 0).astype(float)  # sums may exceed single precision
    rows, columns = (np.linspace(0, size, 4).round().astype(int) for size in density.shape)
    mass = [
        (strong[rows[r] : rows[r + 1], columns[c] : columns[c + 1]].sum(), r, c) for r in range(3) for c in range(3)
    ]
    largest, row, column = max(mass)
    vertical, horizontal = ("upper", "middle", "lower")[row], ("left", "centre", "right")[column]
    name = "in the middle" if row == column == 1 else f"in the {vertical} {horizontal}"
    return name, float(largest / (strong.sum() or 1))


def describe_position(density: NDArray[np.floating], share: float = 0.5) -> str:
    """Say where the smallest region with this share lies: "most of that half, 61 %, in the middle".

    "Most" is more than half. A region of which no ninth of the picture has twice its even part is spread.
    """
    name, part = strongest_ninth(density, share)
    if part <= 2 / 9:
        return "spread over the picture"
    return f"{describe_part(part, 'that half' if share == 0.5 else 'it')} {name}"


def describe_part(part: float, whole: str) -> str:
    """Name the largest of several parts of a whole, as it reads after rounding to whole percents.

    Args:
        part: 0 to 1.
        whole: What it is a part of, such as "it".

    Returns:
        "all of it", "most of it, 51 %," or "the largest part, 50 %,".
    """
    shown = round(100 * part)
    if shown == 100:
        return f"all of {whole}"
    return f"most of {whole}, {shown} %," if shown > 50 else f"the largest part, {shown} %,"
