"""Insertion and deletion: how the network's answer changes when a map's strongest pixels come first, or go first."""

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
from cnnfix_core.images import Picture
from cnnfix_core.zoo import Model

# Of the blur that insertion starts from, in pixels of a network's input of 224.
_BLUR = 10 / 224
# Pictures that go through the network at once: few, so that the curves grow while somebody watches.
_AT_ONCE = 6


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """Probability of the class along the way; NaN where it has not been computed yet.

    shares: (n + 1,) of the pixels that were put in or taken out, 0 to 1. insertion, deletion: (n + 1,).
    """

    shares: Floats
    insertion: Floats
    deletion: Floats

    @property
    def insertion_area(self) -> float:
        """Mean over the way, 0 to 1: higher is better."""
        return float(self.insertion.mean())

    @property
    def deletion_area(self) -> float:
        """Mean over the way, 0 to 1: lower is better."""
        return float(self.deletion.mean())

    @property
    def share(self) -> float:
        """How much of it has been computed, 0 to 1."""
        return float(np.isfinite([self.insertion, self.deletion]).mean())


def curves(
    model: Model,
    picture: Picture,
    saliency: NDArray[np.floating],
    target: int | Sequence[int],
    steps: int = 16,
    watch: Callable[[Curves], None] | None = None,
) -> Curves:
    """Insertion and deletion (Petsiuk et al., RISE, BMVC 2018) along a map of the picture, of any size.

    Pixels are put into the blurred picture, or taken out to grey (the network's zero), in the order of the map and in
    equal steps; equally strong ones in random order. The network sees the whole picture squeezed to its input. target:
    a class index, or (a, b), of which a counts. watch: gets the curves so far; whatever it raises ends the work.
    """
    wanted = target[0] if isinstance(target, Sequence) else target
    (view,) = model.views(picture, "whole")
    x = model.preprocess(view.render(picture))
    shares = np.linspace(0, 1, steps + 1)
    rank = torch.from_numpy(_ranks(saliency, model.input_size))
    counts = torch.from_numpy(np.rint(shares * rank.numel()))
    found = np.full((2, steps + 1), np.nan)
    blurred = torch.from_numpy(gaussian_filter(x.numpy(), (0, *(_BLUR * side for side in model.input_size))))
    for first in range(0, steps + 1, _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        shown = (rank < counts[some, None, None])[:, None]
        found[0, some] = _probability(model, torch.where(shown, x, blurred), wanted)
        found[1, some] = _probability(model, torch.where(shown, torch.zeros_like(x), x), wanted)
        if watch:
            watch(Curves(shares, *found.copy()))
    return Curves(shares, *found)


def _ranks(saliency: NDArray[np.floating], size: tuple[int, int]) -> Ints:
    """Each input pixel's place in the order, strongest first, from 0: (height, width)."""
    small = Image.fromarray(np.asarray(saliency, np.float32)).resize(size[::-1], Image.Resampling.BILINEAR)
    flat = np.asarray(small).reshape(-1)
    # Equal values in random order: a map that says nothing there gains nothing by it.
    order = np.lexsort((np.random.default_rng(1).random(flat.size), -flat))
    rank = np.empty(flat.size, np.int64)
    rank[order] = np.arange(flat.size)
    return rank.reshape(size)


def _probability(model: Model, batch: Tensor, wanted: int) -> NDArray[np.float32]:
    with torch.no_grad():
        said: NDArray[np.float32] = model.module(batch).softmax(1)[:, wanted].numpy()
    return said
