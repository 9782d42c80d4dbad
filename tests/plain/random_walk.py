"""A random walk on a picture, a place at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
NEXT = ((-1, 0), (1, 0), (0, -1), (0, 1))


def reached(pixels: Numbers, inside: NDArray[np.bool_], outside: NDArray[np.bool_], steepness: float) -> Numbers:
    """Grady, IEEE TPAMI 2006: how probably a walk from each place comes inside first; the mean of its neighbours'.

    The weight of a step is exp(-steepness x squared difference / mean squared difference) + 1e-6.
    """
    places = list(np.ndindex(inside.shape))
    steps = [(at, to) for at in places for to in ((at[0] + dy, at[1] + dx) for dy, dx in NEXT) if to in set(places)]
    squares = {(at, to): float(((pixels[at] - pixels[to]) ** 2).sum()) for at, to in steps}
    mean = sum(squares.values()) / len(squares)
    found = inside.astype(float)
    for _ in range(20000):
        before = found.copy()
        for at in places:
            if inside[at] or outside[at]:
                continue
            weights = {to: np.exp(-steepness * squares[one, to] / mean) + 1e-6 for one, to in steps if one == at}
            found[at] = sum(weight * found[to] for to, weight in weights.items()) / sum(weights.values())
        if np.abs(found - before).max() < 1e-10:
            break
    return found
