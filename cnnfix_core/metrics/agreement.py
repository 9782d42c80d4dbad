"""How much two maps of one picture agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats


def rank_correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of all places, -1 to 1; equal values share ranks. NaN for a map of one value."""
    a, b = _centred_ranks(one), _centred_ranks(other)
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0 else float("nan")


def overlap(one: NDArray[np.floating], other: NDArray[np.floating], share: float = 0.1) -> float:
    """What the strongest places of two maps have in common, 0 to 1 of that share of all places.

    Which of equally strong places are among them is left to chance, for each map by itself; this is the mean over all
    draws. So zeros that two maps share bring nothing, and a map of one value reaches the share with any map, itself
    included.
    """
    a, b = _strongest(one, share), _strongest(other, share)
    return float(a @ b / a.sum())


def _centred_ranks(saliency: NDArray[np.floating]) -> Floats:
    from scipy.stats import rankdata  # half a second: only when maps are compared

    ranks = rankdata(saliency)
    return np.asarray(ranks - (ranks.size + 1) / 2)


def _strongest(saliency: NDArray[np.floating], share: float) -> Floats:
    """How likely each place, 0 to 1, is among the strongest share of all; at least one is."""
    flat = np.asarray(saliency).reshape(-1)
    count = max(1, round(share * flat.size))
    floor = np.partition(flat, flat.size - count)[flat.size - count]
    above, level = flat > floor, flat == floor
    parts: Floats = above + level * ((count - above.sum()) / level.sum())
    return parts
