"""Weighted points on a picture, blurred into a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnfix_core.arrays import Floats
from cnnfix_core.explanations import blur
from cnnfix_core.images import scaled_size

# The longest side of the grid on which a density is computed, if the blur is wide enough for it.
GRID = 512
_FINEST_SIGMA = 3.0


def density_of(
    xy: NDArray[Any],
    weights: Floats,
    size: tuple[int, int],
    sigma: float | Sequence[float],
    longest_side: int | None = None,
) -> Floats:
    """The points blurred with a Gaussian: (height, width) of the picture, sums to 1.

    Args:
        xy: (N, 2), in pixels: columns in [0, width), rows in [0, height).
        weights: (N,) > 0.
        size: (width, height) of the picture.
        sigma: The standard deviation in pixels of the picture, one number or (horizontal, vertical).
        longest_side: Limit the longest side of the density, to get a smaller one of the same aspect ratio.
    """
    width, height = size
    across, down = np.broadcast_to(np.asarray(sigma, float), 2)
    wanted = scaled_size(size, longest_side)
    needed = max(GRID, max(size) * _FINEST_SIGMA / max(min(across, down), 1e-6))
    columns, rows = scaled_size(size, min(needed, max(wanted)))
    x = (xy[:, 0] * columns // width).astype(int)
    y = (xy[:, 1] * rows // height).astype(int)
    grid = np.bincount(y * columns + x, weights=weights, minlength=rows * columns).reshape(rows, columns)
    blurred = blur.blurred(grid, (down * rows / height, across * columns / width))
    if (columns, rows) != wanted:
        image = Image.fromarray(blurred.astype(np.float32)).resize(wanted, Image.Resampling.BILINEAR)
        blurred = np.maximum(np.asarray(image, float), 0)
    return blurred / blurred.sum()  # type: ignore[no-any-return]
