"""How much a map changes when the picture changes so little that nobody sees it."""

from __future__ import annotations

import numpy as np

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset
from cnnfix_core.images import Crops, Picture, open_picture
from cnnfix_core.methods import Progress, attribution
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.zoo import Model

RADIUS = 5  # grey levels, of 255: 0.02 of the range
SAMPLES = 10


def max_sensitivity(  # noqa: PLR0913  # all but the first four are optional settings
    model: Model,
    picture: Picture,
    asked: int | tuple[int, int],
    method: str,
    samples: int = SAMPLES,
    crops: Crops | None = None,
    preset: Preset | None = None,
    progress: Progress | None = None,
) -> float:
    """The largest change of a method's map under small noise (Yeh et al., NeurIPS 2019, definition 2.1).

    Every number of the picture moves by at most 5 of 255, in whole grey levels; the same noise for all methods.

    Args:
        model: The network.
        picture: The picture.
        asked: A class, or (a, b) for "a rather than b".
        method: Name of the method.
        samples: Number of noisy pictures.
        crops: The views of the picture to use; None for the method's own.
        preset: Of walks; None for the method's own.
        progress: Called with the share that is done, 0 to 1.

    Returns:
        The largest norm of the difference to the map without noise, in norms of that map, both scaled to a sum of 1: 0
        for a map that stays, about 1 for one that has nothing in common with what it was. NaN for a map of zeros.

    Raises:
        CnnfixError: The method fails.
    """

    def map_of(seen: Picture) -> Floats:
        found = attribution(model, seen, asked, method, crops=crops, longest_side=MAP_SIDE, preset=preset).map
        return found / found.sum(dtype=float) if found.any() else np.full_like(found, np.nan, float)

    generator = np.random.default_rng(0)
    first = map_of(picture)
    changes = []
    for number in range(samples):
        if progress:
            progress((number + 1) / (samples + 1))
        noise = generator.integers(-RADIUS, RADIUS, picture.pixels.shape, np.int16, endpoint=True)
        noisy = open_picture(np.clip(picture.pixels + noise, 0, 255).astype(np.uint8))
        changes.append(np.linalg.norm(map_of(noisy) - first))
    return float(np.max(changes) / np.linalg.norm(first))
