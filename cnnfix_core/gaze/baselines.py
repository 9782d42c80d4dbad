"""What agreement is worth: that of random points, and of people with each other. A third is `methods.blob`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


def halves(observers: Sequence[Looks], draws: int = DRAWS, seed: int = 0) -> Iterator[tuple[Looks, Looks]]:
    """Two random halves of at least two observers, so many times; of an odd number a random one is left out."""
    half = len(observers) // 2
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        order = rng.permutation(len(observers))
        yield together([observers[n] for n in order[:half]]), together([observers[n] for n in order[half : 2 * half]])


def between_halves(
    observers: Sequence[Looks],
    sigma: float | tuple[float, float] | None = None,
    longest_side: int = MAP_SIDE,
    draws: int = DRAWS,
    seed: int = 0,
) -> float:
    """How much people agree with each other: the mean agreement of two random halves of them, 0 to 100.

    A half has fewer points than all, so this is a little less than everybody would agree with as many others.

    Args:
        observers: The points of each.
        sigma: The blur, as in `look_map`.
        longest_side: Of the maps that are compared.
        draws: How many times the observers are divided.
        seed: Seed of the draws.

    Returns:
        NaN for fewer than two observers.
    """
    if len(observers) < 2:
        return NONE
    found = [
        agreement(*(look_map(half, sigma, longest_side) for half in pair)) for pair in halves(observers, draws, seed)
    ]
    return float(np.mean(found))
