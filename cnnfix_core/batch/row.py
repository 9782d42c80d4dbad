"""The table row of one picture of a batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cnnfix_core.batch.batching import BatchResult
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import Fixations
from cnnfix_core.metrics import overlap
from cnnfix_core.regions import area_holding

_NONE = math.nan
_BORDER = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """The results for one picture. If it could not be explained, `error` says why, and the numbers are NaN or 0.

    Attributes:
        picture: Its name.
        sha256: Of the file.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        predicted: The most probable class.
        confidence: Its probability, 0 to 1.
        asked: The class that was explained.
        asked_index: Its index.
        probability: Its probability, 0 to 1.
        score: Its logit.
        fixations: Number of fixations.
        spread: Area of the smallest region that holds half of the map, as a share of the picture.
        border: Share of the evidence in the outermost tenth of each side; 0.36 for uniform evidence.
        x: Centre of the evidence, 0 to 1 of the width.
        y: Centre of the evidence, 0 to 1 of the height.
        x0, y0, x1, y1: Bounding box in pixels, inclusive.
        disagreement: With Grad-CAM: the share of the strongest tenth of the pixels that the two maps do not share.
        error: Why the picture could not be explained; else "".
        notes: What of the picture is missing or was brightened; else "".
    """

    picture: str
    sha256: str = ""
    width: int = 0
    height: int = 0
    predicted: str = ""
    confidence: float = _NONE
    asked: str = ""
    asked_index: int = 0
    probability: float = _NONE
    score: float = _NONE
    fixations: int = 0
    spread: float = _NONE
    border: float = _NONE
    x: float = _NONE
    y: float = _NONE
    x0: int = 0
    y0: int = 0
    x1: int = 0
    y1: int = 0
    disagreement: float = _NONE
    error: str = ""
    notes: str = ""

    @property
    def key(self) -> str:
        """Identifies the row."""
        return self.picture


def row_of(name: str, answer: BatchResult | CnnfixError) -> BatchRow:
    """The row for a result or an error."""
    if isinstance(answer, CnnfixError):
        return BatchRow(picture=name, error=str(answer))
    picture, explanation, map_, rival = answer.picture, answer.explanation, answer.map, answer.rival
    fixations = explanation.kept_fixations
    x, y = np.average((fixations.xy + 0.5) / (picture.width, picture.height), axis=0, weights=fixations.evidence)
    x0, y0, x1, y1 = explanation.box(map_=map_)
    first, target = explanation.predictions[0], explanation.target
    return BatchRow(
        picture=name,
        sha256=picture.digest,
        width=picture.width,
        height=picture.height,
        predicted=first.label,
        confidence=first.probability,
        asked=target.label,
        asked_index=target.index,
        probability=target.probability,
        score=target.score,
        fixations=len(fixations),
        spread=area_holding(map_, 0.5),
        border=at_the_border(fixations),
        x=float(x),
        y=float(y),
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        disagreement=_NONE if rival is None or not rival.any() else 1 - overlap(map_, rival, 0.1),
        notes=" ".join(picture.notes),
    )


def at_the_border(fixations: Fixations) -> float:
    """The share of the evidence in the outermost tenth of each side."""
    relative = (fixations.xy + 0.5) / (fixations.width, fixations.height)
    outside = ((relative < _BORDER) | (relative > 1 - _BORDER)).any(axis=1)
    return float(fixations.evidence[outside].sum() / fixations.evidence.sum())
