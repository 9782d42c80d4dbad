"""Measuring maps: against a truth, against each other, and against the network's own answers."""

from cnnfix_core.metrics.agreement import overlap, rank_correlation
from cnnfix_core.metrics.faithfulness import Curves, curves
from cnnfix_core.metrics.localisation import energy_in, evidence_in, peak_in
from cnnfix_core.metrics.map_numbers import Numbers, numbers
from cnnfix_core.regions.boxes import Box, BoxRule, best_iou, box_of, iou
from cnnfix_core.regions.ground_truth import GroundTruth

__all__ = [
    "Box",
    "BoxRule",
    "Curves",
    "GroundTruth",
    "Numbers",
    "best_iou",
    "box_of",
    "curves",
    "energy_in",
    "evidence_in",
    "iou",
    "numbers",
    "overlap",
    "peak_in",
    "rank_correlation",
]
