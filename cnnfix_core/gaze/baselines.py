"""What agreement is worth: that of random points, and of people with each other. A third is `methods.blob`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cnnfix_core.gaze.looks import Looks, look_map, looks, together
from cnnfix_core.gaze.measures import NONE, agreement
from cnnfix_core.regions import MAP_SIDE

DRAWS = 20


def random_looks(size: tuple[int, int], count: int, seed: int = 0) -> Looks:
    """Points anywhere on the picture, each place equally likely.

    Args:
        size: (width, height) of the picture.
        count: The number of points.
        seed: Seed of the draw.
    """
    return looks(np.random.default_rng(seed).random((count, 2)) * size, size)


def between_halves(
    observers: Sequence[Looks],
    sigma: float | tuple[float, float] | None = None,
    longest_side: int = MAP_SIDE,
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """How much people agree with each other: the mean agreement of two random halves of them, 0 to 100.

    Halves have equally many observers; of an odd number a random one is left out. A half has fewer points than all, so
    this is a little less than everybody would agree with as many others.

    Args:
        observers: The points of each.
        sigma: The blur, as in `look_map`.
        longest_side: Of the maps that are compared.
        draws: How many times the observers are divided.
        seed: Seed of the draws.

    Returns:
        NaN for fewer than two observers.
    """
    half = len(observers) // 2
    if not half:
        return NONE
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        order = rng.permutation(len(observers))
        one, other = (together([observers[n] for n in part]) for part in (order[:half], order[half : 2 * half]))
        found.append(agreement(look_map(one, sigma, longest_side), look_map(other, sigma, longest_side)))
    return float(np.mean(found))
