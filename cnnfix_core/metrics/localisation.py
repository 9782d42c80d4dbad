"""Whether a map lies where the object is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.explanations import Fixations
from cnnfix_core.regions import GroundTruth, best_iou

NONE = float("nan")


def peak_in(map_: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """The pointing game (Zhang et al., IJCV 2018): 1.0 if the strongest pixel is inside the object, 0.0 if not.

    If several pixels tie, all must be inside. A constant map gets 0. NaN if there is no object.
    """
    if not inside.any():
        return NONE
    peaks = map_ == map_.max()
    unambiguous = 0 < peaks.sum() < peaks.size
    return float(unambiguous and bool(inside[peaks].all()))


def energy_in(map_: NDArray[np.floating], inside: NDArray[np.bool_]) -> float:
    """The share of the map inside the object, 0 to 1 (energy-based pointing game: Wang et al., Score-CAM, CVPRW 2020).

    0 for a map of zeros, NaN if there is no object.
    """
    if not inside.any():
        return NONE
    total = float(map_.sum(dtype=float))
    return float(map_[inside].sum(dtype=float)) / total if total > 0 else 0.0


def evidence_in(fixations: Fixations, truth: GroundTruth) -> float:
    """The share of the fixations' evidence inside the object, 0 to 1; 0 without fixations, NaN without an object."""
    if truth.empty:
        return NONE
    total = float(fixations.evidence.sum())
    return float(fixations.evidence[truth.holds(fixations.xy)].sum()) / total if total > 0 else 0.0


def cut_out_iou(cut: NDArray[np.bool_], truth: GroundTruth) -> float:
    """IoU of what was cut out, (H, W) of the picture, with the object, 0 to 1; NaN if there is no object.

    Where only boxes are known, it is that of the box around the cut-out with the best of them.
    """
    if truth.empty:
        return NONE
    if truth.mask is None:
        around = GroundTruth(truth.width, truth.height, mask=cut).extents
        return best_iou(around[0] if around else None, truth.boxes)
    wanted = truth.on(cut.shape)
    return float((cut & wanted).sum() / (cut | wanted).sum())
