"""What all modalities share: predictions, finding the class that a target means, and the walk back from its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Tape, Trace, Unit, as_array, unravel
from cnnfix_core.errors import TargetError
from cnnfix_core.zoo import Classifier, Labels, Meaning, probabilities

# A class is explained beside this many strongest other classes.
RIVALS = 5

Class = int | str
TargetSpec = Class | tuple[Class | None, Class] | Unit | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One class with its score and probability, averaged over the views.

    Attributes:
        index: The index of the class, counted from 0; -1 for a unit inside the network.
        label: The name of the class.
        score: As the network gives it: a logit, a probability or the logarithm of one; of a unit, its activation.
        probability: 0 to 1; NaN for a unit.
    """

    index: int
    label: str
    score: float
    probability: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ClassExplanation:
    """The explanation of one class, or of one class rather than another; the base class for all modalities.

    Attributes:
        preset: The settings of the walks.
        predictions: The most probable classes, best first.
        target: The class that was explained.
        rather_than: The second class of a contrast.
        seconds: The duration of the forward pass and all walks; NaN if unknown.
    """

    preset: Preset
    predictions: tuple[Prediction, ...]
    target: Prediction
    rather_than: Prediction | None
    seconds: float

    @property
    def asked(self) -> int | tuple[int, int]:
        """The index of the explained class, or both indices of a contrast."""
        return self.target.index if self.rather_than is None else (self.target.index, self.rather_than.index)


class Classes:
    """The predictions of a model for all classes, averaged over the views.

    Args:
        labels: The labels of the classes.
        scores: (views, classes).
        meaning: What the scores mean.
    """

    def __init__(self, labels: Labels, scores: NDArray[np.floating], meaning: Meaning = "softmax") -> None:
        self._labels = labels
        self._scores = scores.mean(axis=0)
        self._probabilities: Floats = (
            probabilities(torch.from_numpy(scores.astype(float)), meaning).numpy().mean(axis=0)
        )

    def prediction(self, index: int) -> Prediction:
        """The label, score and probability of one class."""
        return Prediction(
            index, self._labels.short[index], float(self._scores[index]), float(self._probabilities[index])
        )

    def top(self, count: int) -> tuple[Prediction, ...]:
        """The most probable classes, best first."""
        best = np.argsort(-self._probabilities, kind="stable")[:count]
        return tuple(self.prediction(int(index)) for index in best)

    def strongest_beside(self, index: int) -> list[int]:
        """The indices of the strongest other classes, at most `RIVALS`."""
        order = np.argsort(-self._scores, kind="stable")
        return [int(other) for other in order if other != index][:RIVALS]

    def asked(self, target: TargetSpec) -> tuple[int, int | None]:
        """The index of the class to explain, and that of the second class of a contrast. Raises TargetError."""
        if isinstance(target, Unit):
            raise TargetError(f"{target} is a unit inside the network, not a class.")
        if not isinstance(target, Sequence) or isinstance(target, str):
            return self._index(target), None
        if len(target) != 2:
            raise TargetError("A contrast takes two classes: the one to explain and the one to contrast it with.")
        wanted, other = self._index(target[0]), self._labels.find(target[1])
        if wanted == other:
            label = self._labels.short[wanted]
            raise TargetError(f"A class cannot be contrasted with itself: choose a class other than {label!r}.")
        return wanted, other

    def _index(self, target: Class | None) -> int:
        return int(self._probabilities.argmax()) if target is None else self._labels.find(target)


class Asking:
    """The predictions of a classifier for one input, and the class to explain.

    Attributes:
        classes: The predictions for all classes.
        wanted: The index of the class to explain.
        other: The index of the second class of a contrast.
        rivals: The indices of the strongest other classes, which a walk of one class is contrasted with.
        walked: The views on which to walk back: those whose top class is `wanted`, or all if there are none.

    Args:
        model: The classifier.
        scores: (views, classes), of all views of the input; most modalities have one view.
        target: As for `ask`.

    Raises:
        TargetError: The target is not a class of the model.
    """

    def __init__(self, model: Classifier, scores: NDArray[np.floating], target: TargetSpec) -> None:
        self.classes = Classes(model.labels, scores, model.meaning)
        self.wanted, self.other = self.classes.asked(target)
        self._one_score = model.one_score
        self.rivals = [] if self._one_score else self.classes.strongest_beside(self.wanted)
        predicted = scores.argmax(axis=1) == self.wanted
        self.walked: list[int] = np.flatnonzero(predicted if predicted.any() else np.ones_like(predicted)).tolist()

    @property
    def target(self) -> Prediction:
        """The class to explain."""
        return self.classes.prediction(self.wanted)

    @property
    def rather_than(self) -> Prediction | None:
        """The second class of a contrast."""
        return None if self.other is None else self.classes.prediction(self.other)

    def walks(self, tape: Tape, preset: Preset, first: int = 0) -> list[Trace]:
        """Walk back on each view in `walked`. Raises what `unravel` raises.

        Args:
            tape: Of all views, perhaps in a batch with others.
            preset: The settings of the walks.
            first: The number of the first view in the batch.
        """
        return [self._walk(tape, first + view, preset) for view in self.walked]

    def _walk(self, tape: Tape, view: int, preset: Preset) -> Trace:
        if self.other is not None and not self._one_score:  # "yes" rather than "no" is the same as "yes"
            return unravel(tape, ((view, self.wanted), (view, self.other)), preset)
        return unravel(tape, (view, self.wanted), preset, [(view, rival) for rival in self.rivals])


def ask(model: Classifier, inputs: Tensor, target: TargetSpec, preset: Preset) -> tuple[Asking, list[Trace]]:
    """Record a classifier on the views of one input, find the class to explain, and walk back from its score.

    Args:
        model: A classifier of any modality.
        inputs: (views, ...), the input of the network.
        target: None for the predicted class, a class index, a label, or a pair (a, b) of these for "a rather than b";
            (None, b) contrasts the predicted class with b.
        preset: The settings of the walks.

    Returns:
        The predictions with the class to explain, and one walk for each view in `walked`. A walk holds its tape.

    Raises:
        TargetError: The target is not a class of the model.
        CnnfixError: Whatever `record` and `unravel` raise.
    """
    tape = model.record(inputs)
    asking = Asking(model, as_array(tape.output_tensor), target)
    return asking, asking.walks(tape, preset)
