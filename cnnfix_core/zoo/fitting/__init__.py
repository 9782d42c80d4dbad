"""Fit a checkpoint to an architecture: find the weights in it, and change head and stem where they differ."""

from cnnfix_core.zoo.fitting.finding import find
from cnnfix_core.zoo.fitting.fit import Fitted, fit

__all__ = ["Fitted", "find", "fit"]
