"""Cut an object out of a picture: a map says where to start, the picture's edges say where to end.

The strongest part of the map is taken to be the object, the weakest to be the background. Each other place belongs to
the one that a random walk from there reaches more probably, where steps across edges are rare (Grady, Random Walks for
Image Segmentation, IEEE TPAMI 2006).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse
from scipy.sparse.linalg import splu

from cnnfix_core.arrays import Floats
from cnnfix_core.regions.highest_density import region_holding

# Chosen on composed scenes: docs/cut-outs.md.
CORE, REACH = 0.1, 0.995  # shares of the map
STEEPNESS = 0.5
_SIDE = 224  # pixels of the longer side at which walks are computed
_LEAST = 1e-6  # of a step, so that no place is cut off


def cut_out(
    pixels: NDArray[np.uint8],
    map_: NDArray[np.floating],
    core: float = CORE,
    reach: float = REACH,
    steepness: float = STEEPNESS,
) -> NDArray[np.bool_]:
    """The object that a map points at.

    Args:
        pixels: The picture, (H, W, 3).
        map_: Of the whole picture, of any size, values at least 0.
        core: The smallest region with this share of the map is the object from the start.
        reach: What lies outside of the smallest region with this share is background from the start.
        steepness: How much rarer steps across edges are.

    Returns:
        (H, W), True on the object; all False for a map of zeros.
    """
    height, width = pixels.shape[:2]
    if not map_.any():
        return np.zeros((height, width), bool)
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR), float)
    density = np.asarray(Image.fromarray(np.asarray(map_, np.float32)).resize(size, Image.Resampling.BILINEAR))
    inside, outside = region_holding(density, core), ~region_holding(density, reach)
    probability = reached(small, inside, outside & ~inside, steepness)
    large = Image.fromarray(probability.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(large) > 0.5


def reached(
    pixels: Floats, inside: NDArray[np.bool_], outside: NDArray[np.bool_], steepness: float = STEEPNESS
) -> Floats:
    """The probability that a walk from each place, to one of its four neighbours a step, comes inside first.

    A step's weight is exp(-steepness x squared difference of colours / their mean over the picture).

    Args:
        pixels: (H, W, channels).
        inside: (H, W), where walks end.
        outside: (H, W), where they end too, apart from `inside`.
        steepness: 0 or more.

    Returns:
        (H, W), 0 to 1. 1 everywhere if nothing is outside.
    """
    if not outside.any():
        return np.ones(inside.shape)
    number = np.arange(inside.size).reshape(inside.shape)
    pairs = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    one, other = (np.concatenate([pair[side].reshape(-1) for pair in pairs]) for side in (0, 1))
    colours = pixels.reshape(inside.size, -1)
    squares = ((colours[one] - colours[other]) ** 2).sum(axis=1)
    weights = np.exp(-steepness * squares / (squares.mean() or 1)) + _LEAST
    steps = sparse.coo_matrix((weights, (one, other)), (inside.size, inside.size))
    steps = (steps + steps.T).tocsr()
    open_ = np.flatnonzero(~(inside | outside))
    found = inside.astype(float).reshape(-1)
    if len(open_):
        rows = steps[open_]
        total = sparse.diags(np.asarray(steps.sum(axis=1)).reshape(-1)[open_])
        matrix = (total - rows[:, open_]).tocsc()
        # The ordering is for symmetric matrices, as this one is.
        found[open_] = splu(matrix, permc_spec="MMD_AT_PLUS_A").solve(rows @ found)
    return found.reshape(inside.shape)
