"""Maps beside baselines: how well does each predict where people look?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats
from cnnfix_core.gaze.baselines import DRAWS, halves, random_looks
from cnnfix_core.gaze.looks import Looks, look_map, together
from cnnfix_core.gaze.measures import auc_judd, correlation, information_gain, nss, similarity
from cnnfix_core.methods import blob

CENTRE, RANDOM, HALF = "centre", "random", "half"
BASELINE_TITLES = {CENTRE: "Blob in the middle", RANDOM: "Random points", HALF: "Half of the observers"}
_MOST_POINTS = 500  # drawn at random


@dataclass(frozen=True, slots=True)
class GazeNumbers:
    """How well a map predicts where people look; NaN where a measure is not defined.

    Attributes:
        nss: Standard deviations above the map's mean, see `nss`.
        auc: 0 to 1, see `auc_judd`.
        correlation: With the people's map, -1 to 1.
        gain: Bits per point over a blob in the middle, see `information_gain`.
        similarity: With the people's map, 0 to 1; times 100 it is the agreement.
    """

    nss: float
    auc: float
    correlation: float
    gain: float
    similarity: float


@dataclass(frozen=True, slots=True)
class GazeMeasure:
    """A field of `GazeNumbers` in words."""

    field: str
    title: str
    digits: int
    about: str


GAZE_MEASURES = (
    GazeMeasure(
        "nss", "NSS", 2, "how far above its average the map is at the points, in standard deviations; 0 is chance"
    ),
    GazeMeasure("auc", "AUC-Judd", 2, "how often the map is higher at a point than elsewhere; 0.5 is chance"),
    GazeMeasure("correlation", "Correlation", 2, "of the map with the map of the points; 0 is chance"),
    GazeMeasure(
        "gain", "Gain, bits", 2, "how much better than a blob in the middle the map predicts a point; 0 is no better"
    ),
    GazeMeasure(
        "similarity", "Similarity", 2, "what the map and the map of the points share; times 100 it is the agreement"
    ),
)


def gaze_numbers(
    map_: NDArray[np.floating], looks: Looks, sigma: float | tuple[float, float] | None = None
) -> GazeNumbers:
    """Measure how well a map predicts where people look.

    Args:
        map_: (H, W) of the picture or smaller, values >= 0, in any unit.
        looks: The points of one observer, or of several `together`.
        sigma: The blur of the points, see `look_map`.
    """
    return _numbers(map_, looks, look_map(looks, sigma, max(map_.shape)))


def _numbers(map_: NDArray[np.floating], looks: Looks, seen: Floats) -> GazeNumbers:
    """seen: the map of the looks, of the shape of the map."""
    rows, columns = map_.shape
    return GazeNumbers(
        nss(map_, looks),
        auc_judd(map_, looks),
        correlation(map_, seen),
        information_gain(map_, looks, blob(columns, rows)),
        similarity(map_, seen),
    )


def beside_baselines(
    maps: Mapping[str, NDArray[np.floating]],
    observers: Sequence[Looks],
    sigma: float | tuple[float, float] | None = None,
    draws: int = DRAWS,
) -> dict[str, GazeNumbers]:
    """Measure maps of one picture, and what their numbers are worth.

    Args:
        maps: At least one, by name.
        observers: The points of each observer.
        sigma: The blur of the points, see `look_map`.
        draws: How many times random points and halves are drawn; their numbers are means.

    Returns:
        The maps; then `CENTRE`, a blob in the middle; `RANDOM`, as many points as all observers have, anywhere; and, of
        two or more observers, `HALF`: a random half as the map that predicts the other half.
    """
    looks = together(observers)
    shape = next(iter(maps.values())).shape
    found = {name: gaze_numbers(map_, looks, sigma) for name, map_ in maps.items()}
    seen = look_map(looks, sigma, max(shape))
    found[CENTRE] = _numbers(blob(shape[1], shape[0]), looks, seen)
    count = min(len(looks), _MOST_POINTS)
    drawn = (random_looks(looks.size, count, seed) for seed in range(draws))
    found[RANDOM] = _mean(_numbers(look_map(one, sigma, max(shape)), looks, seen) for one in drawn)
    if len(observers) > 1:
        pairs = halves(observers, draws)
        found[HALF] = _mean(gaze_numbers(look_map(one, sigma, max(shape)), other, sigma) for one, other in pairs)
    return found


def _mean(found: Iterable[GazeNumbers]) -> GazeNumbers:
    return GazeNumbers(*np.mean([astuple(one) for one in found], axis=0).tolist())
