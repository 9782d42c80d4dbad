"""Intervals by the bootstrap: how far would a mean move if other pictures had been drawn?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats

RESAMPLES = 1000
FEWEST = 6  # of fewer values a percentile interval is much too narrow: of one it has no width
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean, the bounds of its 95 % interval, and how many values it is of. All NaN and 0 where there are none."""

    mean: float
    low: float
    high: float
    count: int

    @property
    def known(self) -> bool:
        """Whether there are enough values for the bounds to mean something."""
        return self.count >= FEWEST

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 lies outside; no where the bounds mean nothing."""
        return self.known and (self.low > 0 or self.high < 0)


def resampled_means(values: Floats, pictures: NDArray[np.integer], seed: int = 0) -> Floats:
    """Means of columns over pictures that are drawn with replacement (Efron's percentile bootstrap).

    values: (rows, columns), NaN where missing, which leaves a value out of its mean. pictures: (rows,) which picture
    each row is of, 0 to the number of pictures - 1; the rows of a picture are drawn together. Every column sees the
    same draws, so that the difference of two of them is a paired one. Returns (RESAMPLES, columns).
    """
    rng = np.random.default_rng(seed)
    number = int(pictures.max()) + 1
    there = np.isfinite(values)
    filled, counted = np.where(there, values, 0.0), there.astype(float)
    means = []
    for _ in range(0, RESAMPLES, _CHUNK):  # in parts: of 50,000 pictures all draws at once would be large
        drawn = rng.multinomial(number, np.full(number, 1 / number), size=_CHUNK)
        weights = drawn[:, pictures].astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            means.append(weights @ filled / (weights @ counted))
    return np.concatenate(means)


def interval(values: Floats, means: Floats) -> Interval:
    """The interval of one column: its (rows,) values and its (RESAMPLES,) means."""
    there = values[np.isfinite(values)]
    drawn = means[np.isfinite(means)]
    if not there.size or not drawn.size:
        return Interval(np.nan, np.nan, np.nan, 0)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Interval(float(there.mean()), float(low), float(high), int(there.size))
