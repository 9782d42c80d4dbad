"""How much two maps of one picture agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats


def rank_correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of all pixels, -1 to 1; equal values share ranks. NaN for a constant map."""
    a, b = _centred_ranks(one), _centred_ranks(other)
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0 else float("nan")


def overlap(one: NDArray[np.floating], other: NDArray[np.floating], share: float = 0.1) -> float:
    """Overlap of the strongest pixels of two maps, 0 to 1.

    Ties are broken at random, independently for each map, and the result is the expected overlap. So zeros in both maps
    do not count as agreement, and a constant map has an expected overlap of `share` with any map, even with itself.

    Args:
        one: A map.
        other: A map of the same shape.
        share: The share of all pixels that counts as strongest.
    """
    a, b = _strongest(one, share), _strongest(other, share)
    return float(a @ b / a.sum())


def _centred_ranks(map_: NDArray[np.floating]) -> Floats:
    from scipy.stats import rankdata  # half a second: only when maps are compared

    ranks = rankdata(map_)
    return np.asarray(ranks - (ranks.size + 1) / 2)


def _strongest(map_: NDArray[np.floating], share: float) -> Floats:
    """The probability, 0 to 1, that each pixel is among the strongest share of all pixels, at least one."""
    flat = np.asarray(map_).reshape(-1)
    count = max(1, round(share * flat.size))
    floor = np.partition(flat, flat.size - count)[flat.size - count]
    above, level = flat > floor, flat == floor
    parts: Floats = above + level * ((count - above.sum()) / level.sum())
    return parts
