"""Explain the prediction for a time series, with fixations and with a class activation map."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter1d
from torch import Tensor, no_grad

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Tape, as_array, get_preset, left_alone
from cnnfix_core.explanations import Asking, ClassExplanation, TargetSpec
from cnnfix_core.modalities.timeseries.model import SignalModel
from cnnfix_core.modalities.timeseries.network import FullyConvolutional
from cnnfix_core.modalities.timeseries.series import checked

_WIDTH = 0.015  # standard deviation of the blur, as a fraction of the series


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SignalExplanation(ClassExplanation):
    """Which values of a time series led to the score of a class.

    Attributes:
        series: (N,), the values as given.
        evidence: (N,), the evidence that arrived at each value; its sum is 1 minus what was lost on the way; zeros for
            a flat series.
        cam: (N,), the class activation map, not negative; None for networks that do not end with a mean over time and
            a linear layer.
        known: Whether the series is like those that the network learnt from; if not, its answer means nothing.
    """

    series: Floats
    evidence: Floats
    cam: Floats | None
    known: bool = True

    def density(self, sigma: float | None = None) -> Floats:
        """The evidence blurred over time with a Gaussian: (N,), sums to 1; zeros for a flat series.

        Args:
            sigma: In time steps; None for 1.5 % of the series.
        """
        sigma = _WIDTH * len(self.series) if sigma is None else sigma
        blurred = gaussian_filter1d(self.evidence, sigma, mode="constant")
        density: Floats = blurred / (blurred.sum() or 1)
        return density


def explain_signal(
    model: SignalModel,
    series: ArrayLike,
    target: TargetSpec = None,
    preset: str | Preset = "evidence",
    focus: str | None = None,
) -> SignalExplanation:
    """Explain one class of a model on a time series.

    Args:
        model: The classifier.
        series: 8 to 100,000 numbers.
        target: As for `explain`: None for the predicted class, a class index, a label, or a pair (a, b).
        preset: As for `explain`.
        focus: As for `explain`.

    Raises:
        SignalError: The series cannot be used.
        TargetError: The target is not a class of the model.
        CnnfixError: Whatever `record` and `unravel` raise.
    """
    preset = get_preset(preset, focus)
    values = checked(series)
    started = time.perf_counter()
    inputs = model.inputs(values)
    tape = model.record(inputs)
    asking = Asking(model, as_array(tape.output_tensor), target)
    # A flat series becomes zeros: the prediction comes from the network's biases, and from no moment.
    evidence = _arrived(model, asking, tape, preset, len(values)) if np.ptp(values) else np.zeros(len(values))
    return SignalExplanation(
        preset=preset,
        predictions=asking.classes.top(5),
        target=asking.target,
        rather_than=asking.rather_than,
        series=values,
        evidence=evidence,
        cam=_class_activation_map(model, values, inputs, asking),
        known=model.knows(values),
        seconds=time.perf_counter() - started,
    )


def _arrived(model: SignalModel, asking: Asking, tape: Tape, preset: Preset, count: int) -> Floats:
    (trace,) = asking.walks(tape, preset)
    reached = trace.fixations
    places = np.rint(model.places(count)).astype(int)[reached.index[:, 2]]
    arrived: Floats = np.bincount(places, reached.evidence, count).astype(float)
    return arrived


def _class_activation_map(model: SignalModel, values: Floats, inputs: Tensor, asking: Asking) -> Floats | None:
    """The feature maps weighted with the class's weights, negative values set to 0 (Zhou et al., CVPR 2016, eq. 2)."""
    if not isinstance(model.module, FullyConvolutional):
        return None
    weights = as_array(model.module.linear.weight)
    weight = weights[asking.wanted] - (0 if asking.other is None else weights[asking.other])
    with no_grad(), left_alone(model.module):
        maps = as_array(model.module.features(inputs))[0]
    found: Floats = np.interp(np.arange(len(values)), model.places(len(values)), np.maximum(weight @ maps, 0))
    return found
