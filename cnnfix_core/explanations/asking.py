"""What every modality shares: which class is meant by a target, what the network says, and the walk back from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Tape, Trace, as_array, record, unravel
from cnnfix_core.errors import TargetError
from cnnfix_core.zoo import Classifier, Labels

Class = int | str
TargetSpec = Class | tuple[Class | None, Class] | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class, with what the model said of it: the mean over the views.

    Attributes:
        index: of the class, from 0.
        label: what the class is called.
        score: the logit.
        probability: 0 to 1.
    """

    index: int
    label: str
    score: float
    probability: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClassExplanation:
    """Why a classifier gave its score to one class, or to one rather than another; the base for every modality.

    Attributes:
        preset: of the walks.
        predictions: the top classes.
        target: what was explained.
        rather_than: the second class of a contrast.
        seconds: for the forward pass and all walks; NaN: not told.
    """

    preset: Preset
    predictions: tuple[Prediction, ...]
    target: Prediction
    rather_than: Prediction | None
    seconds: float

    @property
    def asked(self) -> int | tuple[int, int]:
        """The class index that was explained, or both of a contrast."""
        return self.target.index if self.rather_than is None else (self.target.index, self.rather_than.index)


class Classes:
    """What the model said of each class, the mean over the views.

    scores: (views, classes), logits, or probabilities, which need not add up to 1.
    """

    def __init__(self, labels: Labels, scores: NDArray[np.floating], probabilities: bool = False) -> None:
        self._labels = labels
        self._scores = scores.mean(axis=0)
        self._probabilities: Floats = scores.mean(axis=0) if probabilities else _softmax(scores).mean(axis=0)

    def prediction(self, index: int) -> Prediction:
        """Label, score and probability of one class."""
        return Prediction(
            index, self._labels.short[index], float(self._scores[index]), float(self._probabilities[index])
        )

    def top(self, count: int) -> tuple[Prediction, ...]:
        """The most probable classes, best first."""
        best = np.argsort(-self._probabilities, kind="stable")[:count]
        return tuple(self.prediction(int(index)) for index in best)

    def asked(self, target: TargetSpec) -> tuple[int, int | None]:
        """Indices of the class to explain and of the one it is set against. Raises TargetError."""
        if not isinstance(target, Sequence) or isinstance(target, str):
            return self._index(target), None
        if len(target) != 2:
            raise TargetError("A contrast takes two classes: the one to explain, and the one it is set against.")
        wanted, other = self._index(target[0]), self._labels.find(target[1])
        if wanted == other:
            label = self._labels.short[wanted]
            raise TargetError(f"A class cannot be set against itself: choose another one than {label!r}.")
        return wanted, other

    def _index(self, target: Class | None) -> int:
        return int(self._probabilities.argmax()) if target is None else self._labels.find(target)


class Asking:
    """What a classifier said of one thing, and which class of it is explained.

    scores: (views, classes), of all views of the thing; most modalities have one. Raises TargetError where the target
    is no class. wanted, other: indices of the class to explain and of the one that it is set against. walked: the
    views to walk back on: those that put the class first, or else all.
    """

    def __init__(self, model: Classifier, scores: NDArray[np.floating], target: TargetSpec) -> None:
        self.classes = Classes(model.labels, scores, model.probabilities)
        self.wanted, self.other = self.classes.asked(target)
        says_so = scores.argmax(axis=1) == self.wanted
        self.walked: list[int] = np.flatnonzero(says_so if says_so.any() else np.ones_like(says_so)).tolist()

    @property
    def target(self) -> Prediction:
        """The class that is explained."""
        return self.classes.prediction(self.wanted)

    @property
    def rather_than(self) -> Prediction | None:
        """The class that it is set against."""
        return None if self.other is None else self.classes.prediction(self.other)

    def walks(self, tape: Tape, preset: Preset) -> list[Trace]:
        """The walk back on each view of `walked`. tape: of all views. Raises what `unravel` raises."""
        return [
            unravel(tape, (n, self.wanted) if self.other is None else ((n, self.wanted), (n, self.other)), preset)
            for n in self.walked
        ]


def ask(model: Classifier, inputs: Tensor, target: TargetSpec, preset: Preset) -> tuple[Asking, list[Trace]]:
    """Record a classifier on the views of one thing, find the class that is meant, and walk back from its score.

    Args:
        model: of any modality.
        inputs: (views, ...), as the network takes them.
        target: None for the predicted class, a class index, a label, or two of them, (a, b), for "a rather than b";
            (None, b) sets the predicted class against b.
        preset: of the walks.

    Returns:
        What was asked, and one walk for each of its `walked` views; a walk holds its tape.

    Raises:
        TargetError: the target is no class.
        CnnfixError: what `record` and `unravel` raise.
    """
    tape = record(model.module, inputs)
    asking = Asking(model, as_array(tape.output_tensor), target)
    return asking, asking.walks(tape, preset)


def _softmax(scores: NDArray[np.floating]) -> Floats:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True), dtype=float)
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
