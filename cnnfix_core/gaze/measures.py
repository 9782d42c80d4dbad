"""Measures of fixation prediction: how well does a map predict where people look?

They are compared in Bylinskii, Judd, Oliva, Torralba and Durand, "What do different evaluation metrics tell us about
saliency models?", IEEE TPAMI 41(3), 2019, under location-based and distribution-based metrics. Maps may have any scale
and unit, points any number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.gaze.looks import Looks

NONE = float("nan")
UNIFORM = 0.01
"""Share of an even map that `information_gain` adds: else a point where a map is 0 would cost infinitely many bits."""


def nss(map_: NDArray[np.floating], looks: Looks) -> float:
    """Normalised scanpath saliency: the map at the points, in standard deviations above its mean.

    Peters, Iyer, Itti and Koch, Vision Research 45, 2005; Bylinskii et al. 2019: the mean over the points of
    (map - mean) / standard deviation.

    Args:
        map_: (H, W).
        looks: The points, averaged by their weights.

    Returns:
        0 for chance, no upper limit; NaN for a constant map.
    """
    values = np.asarray(map_, float)
    if _constant(values):
        return NONE
    at = values.reshape(-1)[looks.cells(values.shape)]
    return float(looks.weights @ (at - values.mean()) / values.std())


def auc_judd(map_: NDArray[np.floating], looks: Looks) -> float:
    """Area under the ROC curve: how often the map is higher at a point than at a cell where nobody looked.

    Judd, Ehinger, Durand and Torralba, ICCV 2009; Bylinskii et al. 2019: every threshold splits the map,
    all cells without a point are the negatives. The area is exact, equal values count as half. Programs that join
    thresholds at the points alone by straight lines give more where points are few: 0.75 for one point by chance.

    Args:
        map_: (H, W).
        looks: The points, averaged by their weights.

    Returns:
        0 to 1, 0.5 for chance and for a constant map; NaN if there is a point in every cell.
    """
    values = np.asarray(map_, float).reshape(-1)
    cells = looks.cells(map_.shape)
    free = np.ones(values.size, bool)
    free[cells] = False
    negatives = values[free]
    if not negatives.size:
        return NONE
    at, which = np.unique(values[cells], return_inverse=True)
    below, up_to = (_counted(np.searchsorted(at, negatives, side), len(at)) for side in ("right", "left"))
    return float(looks.weights @ (below + up_to)[which]) / (2 * negatives.size)


def correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Linear correlation (CC) of two maps of one shape, Pearson's.

    Le Meur, Le Callet and Barba, Vision Research 47, 2007; Bylinskii et al. 2019.

    Returns:
        -1 to 1, 0 for maps that have nothing to do with each other; NaN if one is constant.
    """
    a, b = np.asarray(one, float).reshape(-1), np.asarray(other, float).reshape(-1)
    if _constant(a) or _constant(b):
        return NONE
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def information_gain(map_: NDArray[np.floating], looks: Looks, prior: NDArray[np.floating]) -> float:
    """By how much the map predicts the points better than a prior does.

    Kümmerer, Wallis and Bethge, PNAS 112(52), 2015; Bylinskii et al. 2019: the mean over the points of
    log2(map) - log2(prior), both as probabilities that sum to 1. Each is mixed with 1 % of an even map first, so that a
    point where a map is 0 costs at most log2(100) = 6.6 bits against the even map.

    Args:
        map_: (H, W), values >= 0.
        looks: The points, averaged by their weights.
        prior: (H, W), values >= 0, such as a blob in the centre.

    Returns:
        Bits per point; 0 means no better than the prior. NaN for a map of zeros.
    """
    if not map_.any() or not prior.any():
        return NONE
    cells = looks.cells(map_.shape)
    gain = np.log2(_mixed(map_).reshape(-1)[cells]) - np.log2(_mixed(prior).reshape(-1)[cells])
    return float(looks.weights @ gain)


def similarity(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Similarity (SIM) of two maps: the sum of the smaller value at each pixel, after both were made to sum to 1.

    Judd, Durand and Torralba, MIT-CSAIL-TR-2012-001, 2012; Bylinskii et al. 2019: histogram intersection.

    Args:
        one: (H, W), values >= 0.
        other: (H, W), values >= 0.

    Returns:
        0 if they nowhere overlap, and for a map of zeros, to 1 if they are the same.
    """
    return float(np.minimum(_summing_to_one(one), _summing_to_one(other)).sum())


def agreement(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """How many of 100 points two maps agree on: 100 times their `similarity`."""
    return 100 * similarity(one, other)


def _counted(places: Ints, count: int) -> Ints:
    """(count,), how many of the places are at most 0, 1, 2 and so on."""
    return np.cumsum(np.bincount(places, minlength=count + 1))[:count]


def _constant(values: Floats) -> bool:
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def _mixed(map_: NDArray[np.floating]) -> Floats:
    return (1 - UNIFORM) * _summing_to_one(map_) + UNIFORM / map_.size


def _summing_to_one(map_: NDArray[np.floating]) -> Floats:
    values = np.asarray(map_, float)
    total = values.sum()
    return values / total if total > 0 else values
