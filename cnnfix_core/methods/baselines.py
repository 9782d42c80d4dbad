"""Maps that know nothing of the network: what any method must beat."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from cnnfix_core.images import scaled_size
from cnnfix_core.methods.method import Drawing, MapRequest

_BLOB = 1 / 45  # spread of the noise, in widths of the picture


def centre(question: MapRequest) -> Drawing:
    """A Gaussian in the middle, whatever the picture shows: exp(-2 r^2), where r is 1 at the middle of each edge."""
    width, height = _size(question)
    y, x = (((np.arange(side) + 0.5) / side * 2 - 1) ** 2 for side in (height, width))
    return Drawing(np.exp(-2 * (y[:, None] + x)).astype(np.float32))


def noise(question: MapRequest) -> Drawing:
    """Normal noise, smooth enough to cover patches, from 0 up; the same for the same picture."""
    width, height = _size(question)
    drawn = np.random.default_rng(int(question.picture.digest[:16], 16)).normal(size=(height, width))
    smooth = gaussian_filter(drawn, width * _BLOB)
    return Drawing((smooth - smooth.min()).astype(np.float32))


def _size(question: MapRequest) -> tuple[int, int]:
    return scaled_size((question.picture.width, question.picture.height), question.longest_side)
