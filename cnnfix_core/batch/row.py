"""One picture of a batch in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from cnnfix_core.batch.batching import Answer
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import Fixations
from cnnfix_core.metrics import overlap
from cnnfix_core.regions import area_holding

_NONE = math.nan
_RIM = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """One picture. NaN, or 0, where there is no answer: then `error` says why.

    sha256: of the file. predicted, confidence: the most probable class and its probability, 0 to 1.
    asked, asked_index, probability, score: the class that was explained, its number, probability and logit.
    fixations: how many. spread: the smallest part of the picture that holds half of the evidence, 0 to 1.
    border: part of the evidence in the outermost tenth of each side, 0 to 1; an even map has 0.36 there.
    x, y: the evidence's centre, 0 to 1 of width and height. x0, y0, x1, y1: box in pixels, inclusive.
    disagreement: with Grad-CAM, 0 to 1, the part of the strongest tenth of the places that the maps do not share.
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

    @property
    def key(self) -> str:
        """What no other row of a batch has."""
        return self.picture


def row_of(name: str, answer: Answer | CnnfixError) -> BatchRow:
    """The numbers of an answer, or why there is none."""
    if isinstance(answer, CnnfixError):
        return BatchRow(picture=name, error=str(answer))
    picture, explanation, density, rival = answer.picture, answer.explanation, answer.density, answer.rival
    fixations = explanation.kept_fixations
    x, y = np.average((fixations.xy + 0.5) / (picture.width, picture.height), axis=0, weights=fixations.evidence)
    x0, y0, x1, y1 = explanation.box()
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
        spread=area_holding(density, 0.5),
        border=at_the_border(fixations),
        x=float(x),
        y=float(y),
        x0=x0,
        y0=y0,
        x1=x1,
        y1=y1,
        disagreement=_NONE if rival is None or not rival.any() else 1 - overlap(density, rival, 0.1),
    )


def at_the_border(fixations: Fixations) -> float:
    """The part of the evidence that lies in the outermost tenth of each side."""
    places = (fixations.xy + 0.5) / (fixations.width, fixations.height)
    outside = ((places < _RIM) | (places > 1 - _RIM)).any(axis=1)
    return float(fixations.evidence[outside].sum() / fixations.evidence.sum())
