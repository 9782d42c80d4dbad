"""The numbers of one map against a truth."""

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
    """What a method found: its map, its fixations where it has any, and its box."""

    @property
    def map(self) -> NDArray[np.float32]:
        """(rows, columns) of the whole picture, >= 0."""

    @property
    def fixations(self) -> Fixations | None:
        """Of a walk."""

    @property
    def box(self) -> Box | None:
        """Of the object, as the method sees it."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """One map against a truth; all but `covered` are NaN where the truth is empty.

    peak: 1 if the strongest place is inside, 0 if not. energy: part of the map inside. evidence: part of the fixations'
    evidence inside, NaN without fixations. iou: of the method's box with the best of the truth's. covered: share of the
    picture that the truth covers.
    """

    peak: float
    energy: float
    evidence: float
    iou: float
    covered: float


def numbers(found: Measurable, truth: GroundTruth) -> Numbers:
    """Measure what a method found."""
    inside = truth.on(found.map.shape)
    return Numbers(
        peak_in(found.map, inside),
        energy_in(found.map, inside),
        NONE if found.fixations is None else evidence_in(found.fixations, truth),
        best_iou(found.box, truth.extents),
        truth.covered,
    )


def in_a_line(numbers: Numbers) -> str:
    """How a map stands to the truth; "" where there is none."""
    if math.isnan(numbers.peak):
        return ""
    return f"Peak {'in' if numbers.peak else 'outside'} · energy {percent(numbers.energy)} · IoU {numbers.iou:.2f}"
