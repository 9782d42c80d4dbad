"""ROAD: how the probability changes when pixels are removed so that nobody sees that they were.

Rong et al., A Consistent and Efficient Evaluation Strategy for Attribution Methods, ICML 2022. Grey or blurred pixels
show where something was removed, and a network may react to the shape of the hole. Here a removed pixel becomes the
weighted mean of its neighbours, which for all removed pixels together is one system of linear equations, plus noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import as_array
from cnnfix_core.images import Picture
from cnnfix_core.metrics.faithfulness import probability, ranks
from cnnfix_core.zoo import Model

SHARES = (0.2, 0.4, 0.6, 0.8)  # of the pixels that are removed
NOISE = 0.01  # its standard deviation, in the units of the network's input, as in the authors' code
# Offsets to neighbours and their weights: those side by side count twice as much as those at corners.
NEIGHBOURS = tuple(
    ((dy, dx), 1 / 6 if 0 in (dy, dx) else 1 / 12) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)
)


def road(
    model: Model,
    picture: Picture,
    map_: NDArray[np.floating],
    target: int | Sequence[int],
    progress: Callable[[float], None] | None = None,
) -> float:
    """What the probability of the class loses more if the strongest pixels are removed than if the weakest are.

    The mean over 20, 40, 60 and 80 % of the pixels; ties are in random order. The network sees the whole picture
    resized to its input.

    Args:
        model: The network.
        picture: The picture.
        map_: A map of the picture, of any size.
        target: A class index, or (a, b), of which a is used.
        progress: Called with the share that is done, 0 to 1.

    Returns:
        -1 to 1: higher is better, and a map that knows nothing has about 0.
    """
    wanted = target[0] if isinstance(target, Sequence) else target
    (view,) = model.views(picture, "whole")
    x = as_array(model.inputs(picture, [view])[0]).astype(float)
    rank = ranks(map_, model.input_size)
    generator = np.random.default_rng(0)
    without = []
    for number, share in enumerate(SHARES):
        if progress:
            progress(number / (len(SHARES) + 1))
        count = round(share * rank.size)
        for gone in (rank < count, rank >= rank.size - count):
            without.append(imputed(x, gone, generator))
    batch = model.placed(torch.from_numpy(np.stack(without).astype(np.float32)))
    strongest_gone, weakest_gone = probability(model, batch, wanted).reshape(-1, 2).T
    return float((weakest_gone - strongest_gone).mean())


def imputed(x: Floats, gone: NDArray[np.bool_], generator: np.random.Generator) -> Floats:
    """A picture, (channels, H, W), whose missing pixels are noisy means of their neighbours (section 4.2).

    Args:
        x: The picture.
        gone: (H, W), which pixels are missing; at least one is there.
        generator: Of the noise.

    Returns:
        (channels, H, W). A missing pixel is the weighted mean of its neighbours in the picture, missing ones included.
    """
    if not gone.any():
        return x
    matrix, known = _equations(x, gone)
    filled = x.copy()
    # The ordering is for symmetric matrices, as this one is.
    filled[:, gone] = splu(matrix, permc_spec="MMD_AT_PLUS_A").solve(known).T
    filled[:, gone] += NOISE * generator.normal(size=(len(x), int(gone.sum())))
    return filled


def _equations(x: Floats, gone: NDArray[np.bool_]) -> tuple[sparse.csc_matrix, Floats]:
    """For each missing pixel: its weights, less those of missing neighbours, equal what known neighbours add up to.

    Returns:
        (n, n) and (n, channels), for n missing pixels.
    """
    size = int(gone.sum())
    number = np.full(gone.shape, -1)
    number[gone] = np.arange(size)
    total, known = np.zeros(size), np.zeros((size, len(x)))
    links = []
    for (dy, dx), weight in NEIGHBOURS:
        rows, columns = np.nonzero(gone)
        down, across = rows + dy, columns + dx
        inside = (down >= 0) & (down < gone.shape[0]) & (across >= 0) & (across < gone.shape[1])
        own, at = number[rows[inside], columns[inside]], (down[inside], across[inside])
        total[own] += weight
        other = number[at]
        missing = other >= 0
        links.append((own[missing], other[missing], np.full(missing.sum(), -weight)))
        known[own[~missing]] += weight * x[:, *at].T[~missing]
    links.append((np.arange(size), np.arange(size), total))
    own, other, weights = (np.concatenate(part) for part in zip(*links, strict=True))
    return sparse.csc_matrix((weights, (own, other)), (size, size)), known
