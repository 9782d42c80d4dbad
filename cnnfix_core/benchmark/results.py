"""Rows of a benchmark."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cnnfix_core.zoo import versions

NONE = math.nan
BenchmarkKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRow:
    """One method on one model, picture and label. NaN: does not apply, or was not asked for.

    label: as annotated; "" where only the place is known. asked: the class that was explained, that of the label or
    else the predicted one. probability: of `asked`, 0 to 1. right: 1 where `predicted` is the label's class, else 0.
    peak, energy, evidence, iou, covered: of `cnnfix_core.metrics.numbers`. loc_given: 1 where iou >= 0.5.
    loc_top1: 1 where, besides, the prediction is right. insertion, deletion: areas under the curves of `asked`.
    layer: on which the map was drawn. error: why there are no numbers.
    """

    model: str
    picture: str
    label: str
    method: str
    predicted: str = ""
    asked: str = ""
    right: float = NONE
    probability: float = NONE
    peak: float = NONE
    energy: float = NONE
    evidence: float = NONE
    iou: float = NONE
    loc_top1: float = NONE
    loc_given: float = NONE
    insertion: float = NONE
    deletion: float = NONE
    covered: float = NONE
    seconds: float = NONE
    layer: str = ""
    error: str = ""

    @property
    def key(self) -> BenchmarkKey:
        """What no other row of a benchmark has."""
        return self.model, self.picture, self.label, self.method


@dataclass(frozen=True, slots=True)
class BenchmarkSettings:
    """All that decides what the rows of a benchmark say.

    models: name, and `digest_of` its weights. steps: of insertion and deletion; 0 leaves them out.
    pictures: SHA-256 in hex of the list of pictures, labels and truths; count: how many.
    """

    models: dict[str, str]
    methods: tuple[str, ...]
    steps: int
    pictures: str
    count: int
    versions: dict[str, str] = field(default_factory=versions)
