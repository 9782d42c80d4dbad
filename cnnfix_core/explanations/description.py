"""An explanation in words, also for readers who cannot see the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine import ALL
from cnnfix_core.explanations.asking import Prediction
from cnnfix_core.explanations.explanation import Explanation
from cnnfix_core.regions import area_holding, describe_position
from cnnfix_core.utils import percent, significant


def question(target: Prediction, rather_than: Prediction | None) -> str:
    """The question that an explanation answers, as the title of a figure."""
    if rather_than is None:
        return f"Why “{target.label}”?"
    return f"Why “{target.label}” rather than “{rather_than.label}”?"


def summary(explanation: Explanation, map_: NDArray[np.floating], rival: NDArray[np.floating] | None = None) -> str:
    """Summarise an explanation: the fixations, position of the evidence, comparison with Grad-CAM.

    Args:
        explanation: The explanation.
        map_: The map of the evidence, of any size.
        rival: Grad-CAM's map, of any size.
    """
    fixations = explanation.kept_fixations
    what = "fixations, the pixels" if len(fixations) != 1 else "fixation, the pixel"
    parts = [
        f"{len(fixations):,} {what} at which the walk back from {_asked(explanation)} arrived."
        f" Half of the evidence {_depth(explanation)} lies on {percent(area_holding(map_, 0.5))} of the picture,"
        f" {describe_position(map_)}."
    ]
    if rival is not None and rival.any():
        area, position = percent(area_holding(rival, 0.5)), describe_position(rival)
        parts.append(f"Half of Grad-CAM's map lies on {area}, {position}.")
    elif rival is not None:
        parts.append("Grad-CAM's map is empty: no feature map supports this class.")
    parts += [*_cuts(explanation), *_views(explanation)]
    return " ".join(parts)


def _asked(explanation: Explanation) -> str:
    target, other = explanation.target, explanation.rather_than
    strength = percent(target.probability) if explanation.unit is None else f"activation {significant(target.score)}"
    rather = f" rather than “{other.label}” ({percent(other.probability)})" if other else ""
    return f"“{target.label}” ({strength}){rather}"


def _depth(explanation: Explanation) -> str:
    """Name the depth whose map is described."""
    depth = explanation.preset.depth
    if depth == 1 or not any(explanation.maps):
        return "at the pixels, blurred,"
    if depth == ALL:
        return "at all depths"
    rows, columns = next(one.evidence.shape for one in explanation.maps[0] if one.stride == depth)
    return f"at the feature map of {columns} × {rows} places"


def _cuts(explanation: Explanation) -> list[str]:
    if not explanation.cuts:
        return []
    lost = sum(cut.evidence for cut in explanation.cuts) / len(explanation.explained)
    most = max(explanation.cuts, key=lambda cut: cut.evidence)
    return [f"{percent(lost)} of the evidence is missing. {most.why}"]


def _views(explanation: Explanation) -> list[str]:
    if len(explanation.views) == 1:
        return []
    if explanation.unit is not None:
        return [f"It is strongest on one of {len(explanation.views)} crops, which was explained."]
    if len(explanation.explained) < len(explanation.views):
        return [
            f"{len(explanation.explained)} of {len(explanation.views)} crops predict this class and were explained."
        ]
    if explanation.target.index != explanation.predictions[0].index:
        return [f"No crop predicts this class, so all {len(explanation.views)} were explained."]
    return [f"All {len(explanation.views)} crops predict this class and were explained."]
