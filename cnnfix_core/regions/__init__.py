"""Bounding boxes, ground truth, and regions of highest density."""

from cnnfix_core.regions.boxes import Box, BoxRule, best_iou, box_of, iou
from cnnfix_core.regions.cut_out import cut_out, reached
from cnnfix_core.regions.ground_truth import GroundTruth
from cnnfix_core.regions.highest_density import (
    BANDS,
    MAP_SIDE,
    area_holding,
    describe_part,
    describe_position,
    floors,
    held_share,
    region_holding,
    strongest_ninth,
)

__all__ = [
    "BANDS",
    "MAP_SIDE",
    "Box",
    "BoxRule",
    "GroundTruth",
    "area_holding",
    "best_iou",
    "box_of",
    "cut_out",
    "describe_part",
    "describe_position",
    "floors",
    "held_share",
    "iou",
    "reached",
    "region_holding",
    "strongest_ninth",
]
