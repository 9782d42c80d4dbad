"""A classifier of time series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import left_alone
from cnnfix_core.modalities.timeseries.likeness import Likeness
from cnnfix_core.modalities.timeseries.network import FullyConvolutional
from cnnfix_core.modalities.timeseries.series import checked
from cnnfix_core.zoo import Classifier, Labels


@dataclass(frozen=True, slots=True, eq=False)
class SignalModel(Classifier):
    """A classifier of time series, ready to use.

    Attributes:
        module: Returns scores (N, classes) for series (N, 1, length) of mean 0 and standard deviation 1.
        labels: The labels of its classes.
        length: The length of the network's input.
        source: Where the weights come from.
        licence: The licence of the weights.
        likeness: What series must be like for the network to know them; None if nobody measured that.
    """

    labels: Labels
    length: int
    source: str
    licence: str
    likeness: Likeness | None = None

    def knows(self, series: ArrayLike) -> bool:
        """Whether a series is like those that the network learnt from; True if that cannot be said.

        Raises SignalError if the series cannot be used.
        """
        if self.likeness is None or not isinstance(self.module, FullyConvolutional):
            return True
        with torch.no_grad(), left_alone(self.module):
            features = self.module.averages(self.inputs(series)).float().cpu()
        return float(self.likeness.distance(features)) <= self.likeness.limit

    def inputs(self, series: ArrayLike) -> Tensor:
        """The network's input for a series, (1, 1, length): resampled to this length and standardised.

        A constant series becomes zeros. Raises SignalError if the series cannot be used.
        """
        values = checked(series)
        fitted = np.interp(self.places(len(values)), np.arange(len(values)), values)
        spread = fitted.std()
        standard = (fitted - fitted.mean()) / (spread if spread > 1e-12 * max(1.0, abs(fitted).max()) else np.inf)
        return self.placed(torch.from_numpy(standard.astype(np.float32))[None, None])

    def places(self, count: int) -> Floats:
        """The position of each step of the network's input in a series of `count` values, (length,)."""
        places: Floats = np.linspace(0, count - 1, self.length)
        return places
