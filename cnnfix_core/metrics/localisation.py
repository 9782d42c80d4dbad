"""Whether a map lies where the object is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.explanations import Fixations
from cnnfix_core.regions import GroundTruth

NONE = float("nan")


def peak_in(saliency: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """The pointing game (Zhang et al., IJCV 2018): 1.0 if the strongest place lies inside, 0.0 if not.

    With several places equally strong all must. A map of one value says nothing: 0. NaN where nothing is inside.
    """
    if not inside.any():
        return NONE
    peaks = saliency == saliency.max()
    says = 0 < peaks.sum() < peaks.size
    return float(says and bool(inside[peaks].all()))


def energy_in(saliency: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """The part of the map inside, 0 to 1 (Wang et al., Score-CAM, CVPRW 2020: energy-based pointing game).

    0 for a map of zeros, NaN where nothing is inside.
    """
    if not inside.any():
        return NONE
    total = float(saliency.sum(dtype=float))
    return float(saliency[inside].sum(dtype=float)) / total if total > 0 else 0.0


def evidence_in(fixations: Fixations, truth: GroundTruth) -> float:
    """The part of the fixations' evidence that lies inside, 0 to 1; 0 without fixations, NaN for an empty truth."""
    if truth.empty:
        return NONE
    total = float(fixations.evidence.sum())
    return float(fixations.evidence[truth.holds(fixations.xy)].sum()) / total if total > 0 else 0.0
