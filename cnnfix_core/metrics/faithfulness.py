"""Insertion and deletion: how the probability changes as a map's strongest pixels are added or removed first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import as_array
from cnnfix_core.images import Picture
from cnnfix_core.zoo import Model

# Standard deviation of the blurred picture that insertion starts from, in input widths.
_BLUR = 10 / 224
# Batch size: small, so that the curves can be displayed while they grow.
_AT_ONCE = 6


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The probability of the class at each step; NaN where it has not been computed yet.

    Attributes:
        shares: (n + 1,), the share of the pixels that have been inserted or deleted, 0 to 1.
        insertion: (n + 1,).
        deletion: (n + 1,).
    """

    shares: Floats
    insertion: Floats
    deletion: Floats

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve, 0 to 1: higher is better."""
        return float(self.insertion.mean())

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve, 0 to 1: lower is better."""
        return float(self.deletion.mean())

    @property
    def share(self) -> float:
        """How much has been computed so far, 0 to 1."""
        return float(np.isfinite([self.insertion, self.deletion]).mean())


def curves(
    model: Model,
    picture: Picture,
    map_: NDArray[np.floating],
    target: int | Sequence[int],
    steps: int = 16,
    watch: Callable[[Curves], None] | None = None,
) -> Curves:
    """Insertion and deletion curves (Petsiuk et al., RISE, BMVC 2018).

    Pixels are inserted into the blurred picture, or deleted to grey (the network's zero), in equal steps in the order
    of the map; ties are in random order. The network sees the whole picture resized to its input.

    Args:
        model: The network.
        picture: The picture.
        map_: A map of the picture, of any size.
        target: A class index, or (a, b), of which a is used.
        steps: Number of steps.
        watch: Called with the curves so far; an exception that it raises stops the computation.
    """
    wanted = target[0] if isinstance(target, Sequence) else target
    (view,) = model.views(picture, "whole")
    x = model.inputs(picture, [view])[0]
    shares = np.linspace(0, 1, steps + 1)
    rank = torch.from_numpy(ranks(map_, model.input_size)).to(x.device)
    counts = torch.from_numpy(np.rint(shares * rank.numel()).astype(np.int64)).to(x.device)
    found = np.full((2, steps + 1), np.nan)
    blurred = model.placed(torch.from_numpy(gaussian_filter(as_array(x), (0, *(_BLUR * n for n in model.input_size)))))
    for first in range(0, steps + 1, _AT_ONCE):
        batch = slice(first, first + _AT_ONCE)
        changed = (rank < counts[batch, None, None])[:, None]
        found[0, batch] = probability(model, torch.where(changed, x, blurred), wanted)
        found[1, batch] = probability(model, torch.where(changed, torch.zeros_like(x), x), wanted)
        if watch:
            watch(Curves(shares, *found.copy()))
    return Curves(shares, *found)


def ranks(map_: NDArray[np.floating], size: tuple[int, int]) -> Ints:
    """Rank of each input pixel, (height, width), from 0 for the strongest."""
    small = Image.fromarray(np.asarray(map_, np.float32)).resize(size[::-1], Image.Resampling.BILINEAR)
    flat = np.asarray(small).reshape(-1)
    # Ties are in random order, so that a map gains nothing from pixels that it does not rank.
    order = np.lexsort((np.random.default_rng(1).random(flat.size), -flat))
    rank = np.empty(flat.size, np.int64)
    rank[order] = np.arange(flat.size)
    return rank.reshape(size)


def probability(model: Model, batch: Tensor, wanted: int) -> Floats:
    """The probability of a class for each input of a batch, (N,)."""
    with torch.no_grad():
        return as_array(model.probabilities(model.scores(batch))[:, wanted])
