"""The rows and settings of a benchmark."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from cnnfix_core.metrics import Also
from cnnfix_core.zoo import versions

NONE = math.nan
Question = tuple[str, str, str]
BenchmarkKey = tuple[str, Question, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkRow:
    """One method on one model, picture and label. NaN: not applicable, or not measured.

    Attributes:
        model: Name of the model.
        picture: Name of the picture.
        label: As annotated; "" if only the location is annotated.
        method: Name of the method.
        rather_than: The label of the class that `asked` is contrasted with; "" if it is asked about alone.
        predicted: The predicted class.
        asked: The class that was explained: that of the label, or the predicted one without a label.
        right: 1 if `predicted` is the label's class, else 0.
        probability: Of `asked`, 0 to 1.
        peak, energy, evidence, iou, covered: From `cnnfix_core.metrics.numbers`.
        other: Share of the map on the objects that were not asked about.
        loc_top1: 1 if iou >= 0.5 and the prediction is right, else 0.
        loc_given: 1 if iou >= 0.5, else 0.
        insertion, deletion: Areas under the curves of `asked`.
        road, sensitivity, cut_out: From `cnnfix_core.metrics`.
        seconds: Computation time of the map.
        layer: The layer of the map.
        error: Why there are no numbers.
    """

    model: str
    picture: str
    label: str
    method: str
    rather_than: str = ""
    predicted: str = ""
    asked: str = ""
    right: float = NONE
    probability: float = NONE
    peak: float = NONE
    energy: float = NONE
    evidence: float = NONE
    other: float = NONE
    iou: float = NONE
    loc_top1: float = NONE
    loc_given: float = NONE
    insertion: float = NONE
    deletion: float = NONE
    cut_out: float = NONE
    road: float = NONE
    sensitivity: float = NONE
    covered: float = NONE
    seconds: float = NONE
    layer: str = ""
    error: str = ""

    @property
    def question(self) -> Question:
        """What was asked: the picture, the label and the label of a contrast."""
        return self.picture, self.label, self.rather_than

    @property
    def key(self) -> BenchmarkKey:
        """Identifies the row."""
        return self.model, self.question, self.method


@dataclass(frozen=True, slots=True)
class BenchmarkSettings:
    """Everything that determines the rows of a benchmark.

    Attributes:
        models: Name and `digest_of` of each model.
        methods: Names of the methods.
        steps: Number of steps of insertion and deletion; 0 leaves them out.
        also: What else is measured.
        pictures: SHA-256, in hex, of the list of pictures, labels and ground truths.
        count: Number of pictures.
        readings: Name and `reading_of` of each model.
        device: The device of the networks.
        versions: Versions of the packages.
    """

    models: dict[str, str]
    methods: tuple[str, ...]
    steps: int
    pictures: str
    count: int
    also: tuple[Also, ...] = ()
    readings: dict[str, str] = field(default_factory=dict)
    device: str = "cpu"
    versions: dict[str, str] = field(default_factory=versions)
