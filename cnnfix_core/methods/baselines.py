"""Baselines: maps that do not depend on the network. Any method should beat them."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from cnnfix_core.images import scaled_size
from cnnfix_core.methods.method import Drawing, Map, MapRequest

_BLOB = 1 / 45  # standard deviation of the smoothing, in widths of the picture


def blob(width: int, height: int) -> Map:
    """(height, width), a Gaussian in the centre: exp(-2 r^2), where r is 1 at the middle of each edge."""
    y, x = (((np.arange(side) + 0.5) / side * 2 - 1) ** 2 for side in (height, width))
    return np.exp(-2 * (y[:, None] + x)).astype(np.float32)


def centre(request: MapRequest) -> Drawing:
    """The blob in the centre."""
    return Drawing(blob(*_size(request)))


def noise(request: MapRequest) -> Drawing:
    """Normal noise, smoothed into patches and shifted to start at 0; always the same for the same picture."""
    width, height = _size(request)
    drawn = np.random.default_rng(int(request.picture.digest[:16], 16)).normal(size=(height, width))
    smooth = gaussian_filter(drawn, width * _BLOB)
    return Drawing((smooth - smooth.min()).astype(np.float32))


def _size(request: MapRequest) -> tuple[int, int]:
    return scaled_size((request.picture.width, request.picture.height), request.longest_side)
