"""Measuring maps: against the ground truth, against each other, and against the network's predictions."""

from cnnfix_core.metrics.agreement import overlap, rank_correlation
from cnnfix_core.metrics.bootstrap import Interval, interval, resampled_means
from cnnfix_core.metrics.comparison import ClassTarget, ColumnHeading, Failed, as_csv, compare
from cnnfix_core.metrics.evaluation import ALSO, Also, Measured, measured
from cnnfix_core.metrics.faithfulness import Curves, curves
from cnnfix_core.metrics.localisation import cut_out_iou, energy_in, evidence_in, peak_in
from cnnfix_core.metrics.map_numbers import Numbers, in_a_line, numbers
from cnnfix_core.metrics.road import road
from cnnfix_core.metrics.robustness import max_sensitivity
from cnnfix_core.metrics.verdicts import (
    Changed,
    agreement_verdict,
    boxes_verdict,
    changes_verdict,
    curves_verdict,
    move,
    road_verdict,
    sensitivity_verdict,
)
from cnnfix_core.regions import Box, BoxRule, GroundTruth, best_iou, box_of, iou

__all__ = [
    "ALSO",
    "Also",
    "Box",
    "BoxRule",
    "Changed",
    "ClassTarget",
    "ColumnHeading",
    "Curves",
    "Failed",
    "GroundTruth",
    "Interval",
    "Measured",
    "Numbers",
    "agreement_verdict",
    "as_csv",
    "best_iou",
    "box_of",
    "boxes_verdict",
    "changes_verdict",
    "compare",
    "curves",
    "curves_verdict",
    "cut_out_iou",
    "energy_in",
    "evidence_in",
    "in_a_line",
    "interval",
    "iou",
    "max_sensitivity",
    "measured",
    "move",
    "numbers",
    "overlap",
    "peak_in",
    "rank_correlation",
    "resampled_means",
    "road",
    "road_verdict",
    "sensitivity_verdict",
]
