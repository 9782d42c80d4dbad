"""Check time series."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cnnfix_core.arrays import Floats
from cnnfix_core.errors import CnnfixError

LEAST, MOST = 8, 100_000  # values of a series


class SignalError(CnnfixError):
    """The time series cannot be used."""


def checked(series: ArrayLike) -> Floats:
    """Convert a series to (N,) floats. Raises SignalError unless it has 8 to 100,000 numbers, all finite."""
    try:
        values = np.asarray(series, float)
    except (TypeError, ValueError):
        raise SignalError("A series must be a sequence of numbers.") from None
    if values.ndim != 1 or not LEAST <= len(values) <= MOST:
        raise SignalError(f"A series must be a sequence of {LEAST} to {MOST:,} numbers.")
    if not np.isfinite(values).all() or abs(values).max() > 1e100:
        raise SignalError("The series has values that are missing or infinite: fill them in first.")
    return values
