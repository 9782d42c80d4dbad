"""Bootstrap confidence intervals: how much would a mean vary with a different sample of pictures?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats

RESAMPLES = 1000
MIN_VALUES = 6  # with fewer values a percentile interval is much too narrow: with one it has no width
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, the bounds of its 95 % interval, and the number of values; NaN and 0 without values."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def known(self) -> bool:
        """Whether there are enough values for meaningful bounds."""
        return self.count >= MIN_VALUES

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 is outside the interval; False if there are too few values."""
        return self.known and (self.low > 0 or self.high < 0)


def resampled_means(values: Floats, pictures: NDArray[np.integer], seed: int = 0) -> Floats:
    """Means of columns over pictures drawn with replacement (Efron's percentile bootstrap).

    All columns use the same draws, so that the difference of two columns is a paired difference.

    Args:
        values: (rows, columns), NaN where missing; missing values are left out of the mean.
        pictures: (rows,), the index of each row's picture, from 0; the rows of a picture are drawn together.
        seed: Seed of the draws.

    Returns:
        (RESAMPLES, columns).
    """
    rng = np.random.default_rng(seed)
    number = int(pictures.max()) + 1
    present = np.isfinite(values)
    filled, counted = np.where(present, values, 0.0), present.astype(float)
    means = []
    for _ in range(0, RESAMPLES, _CHUNK):  # in chunks, because all draws of 50,000 pictures would be large
        drawn = rng.multinomial(number, np.full(number, 1 / number), size=_CHUNK)
        weights = drawn[:, pictures].astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(weights @ filled / (weights @ counted))
    return np.concatenate(means)


def interval(values: Floats, means: Floats) -> Interval:
    """The interval of one column, from its (rows,) values and its (RESAMPLES,) means."""
    present = values[np.isfinite(values)]
    drawn = means[np.isfinite(means)]
    if not present.size or not drawn.size:
        return Interval(np.nan, np.nan, np.nan, 0)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(float(present.mean()), float(low), float(high), int(present.size))
