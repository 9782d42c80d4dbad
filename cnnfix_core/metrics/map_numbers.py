"""Measure one map against the ground truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.explanations import Fixations
from cnnfix_core.metrics.localisation import NONE, energy_in, evidence_in, peak_in
from cnnfix_core.regions import Box, GroundTruth, best_iou
from cnnfix_core.utils import percent


class Measurable(Protocol):
    """A method's result: its map, its fixations if it has any, and its box."""

    @property
    def map(self) -> NDArray[np.float32]:
        """(rows, columns) of the whole picture, >= 0."""

    @property
    def fixations(self) -> Fixations | None:
        """The fixations of a walk; None for other methods."""

    @property
    def box(self) -> Box | None:
        """The bounding box of the object, according to the method."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The measurements of one map; all but `covered` are NaN if the ground truth is empty.

    Attributes:
        peak: 1 if the strongest pixel is inside, 0 if not.
        energy: Share of the map inside.
        evidence: Share of the fixations' evidence inside; NaN without fixations.
        iou: Highest IoU of the method's box with a box of the ground truth.
        covered: Share of the picture that the ground truth covers.
    """

    peak: float
    energy: float
    evidence: float
    iou: float
    covered: float


def numbers(found: Measurable, truth: GroundTruth) -> Numbers:
    """Measure a method's result."""
    inside = truth.on(found.map.shape)
    return Numbers(
        peak_in(found.map, inside),
        energy_in(found.map, inside),
        NONE if found.fixations is None else evidence_in(found.fixations, truth),
        best_iou(found.box, truth.extents),
        truth.covered,
    )


def in_a_line(numbers: Numbers) -> str:
    """The measurements in one line; "" without ground truth."""
    if math.isnan(numbers.peak):
        return ""
    where = "in" if numbers.peak else "outside"
    return f"Strongest point {where} the box, {percent(numbers.energy)} inside, box match {numbers.iou:.2f}"
