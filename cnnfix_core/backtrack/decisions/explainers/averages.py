"""Averages and interpolations of a map: over whole maps, over regions, and between elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.decisions.explainers.parts import linear
from cnnfix_core.backtrack.decisions.explainers.registry import Account, ElementQuery, explains
from cnnfix_core.backtrack.decisions.explainers.window import Axis, Window, stretch
from cnnfix_core.backtrack.decisions.explainers.windows import plane_of
from cnnfix_core.backtrack.decisions.sentences import pooled, weighted
from cnnfix_core.engine import Value, known_as
from cnnfix_core.engine.rules.dimensions import reduced_dims
from cnnfix_core.engine.rules.pooling import mean
from cnnfix_core.engine.rules.resampling import adaptive_avg_pool, grid_sample, resized, roi_align

# A larger map cannot be read as a grid of numbers.
_LARGEST_SIDE = 64


@explains(mean)
def over_dimensions(asked: ElementQuery) -> Account:
    """Mean or sum over some dimensions, such as global average pooling."""
    x, *rest = asked.operation.args
    dims = reduced_dims(asked.operation)
    keeps = len(rest) > 1 and rest[1]
    place = iter(asked.position)
    ranges = []
    for axis, size in enumerate(x.shape):
        fixed = next(place) if axis not in dims or keeps else 0
        ranges.append(np.arange(size) if axis in dims else np.array([fixed]))
    count = int(np.prod([x.shape[axis] for axis in dims]))
    coefficient = 1 / count if known_as(asked.operation) == "aten.mean" else 1.0
    maps = len(x.shape) - len(dims)
    if dims == list(range(maps, len(x.shape))) and len(dims) <= 2 and max(x.shape[maps:]) <= _LARGEST_SIDE:
        planes = np.array([asked.index])  # the index over the remaining dimensions is the number of the map
        axes = tuple(stretch(0, size, size) for size in x.shape[maps:])
        window = Window(x, planes, axes, np.full((1, *x.shape[maps:]), coefficient))
        return Account("mean", (window.part(),), pooled, window=window)
    index = np.ravel_multi_index(np.ix_(*ranges), x.shape).reshape(-1) if x.shape else np.zeros(1, np.int64)
    return Account("mean", (linear(x, index, np.full(len(index), coefficient)),), pooled)


@explains(adaptive_avg_pool)
def to_size(asked: ElementQuery) -> Account:
    """Adaptive average pooling to a given size."""
    window = _resized(asked)
    return Account("mean", (window.part(),), pooled, window=window)


@explains(resized)
def interpolated(asked: ElementQuery) -> Account:
    """Interpolation to a given size."""
    window = _resized(asked)
    return Account("dense", (window.part(),), weighted(), window=window)


def _resized(asked: ElementQuery) -> Window:
    x, sizes, *rest = asked.operation.args
    dims = len(sizes)

    def element(image: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = asked.operation.call(image, sizes, *rest, **asked.operation.kwargs)
        return made[(0, 0, *asked.position[-dims:])]

    return _seen(x, plane_of(asked, dims), dims, element)


@explains(roi_align)
def of_region(asked: ElementQuery) -> Account:
    """One cell of a region of interest (RoIAlign)."""
    x, boxes, *rest = asked.operation.args
    box, channel, row, column = asked.position
    region = boxes.data[box : box + 1].detach().cpu().double()
    item = int(region[0, 0])
    region = region * torch.tensor([0, 1, 1, 1, 1])  # `element` gets a single map, which is number 0

    def element(image: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = asked.operation.call(image, region, *rest)
        return made[0, 0, row, column]

    window = _seen(x, np.array([item * x.shape[1] + channel]), 2, element)
    return Account("dense", (window.part(),), weighted(), window=window)


@explains(grid_sample)
def of_grid(asked: ElementQuery) -> Account:
    """A place sampled by a grid."""
    x, grid, *rest = asked.operation.args
    item, channel, row, column = asked.position
    place = grid.data[item, row, column].detach().cpu().double()[None, None, None]

    def element(image: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = asked.operation.call(image, place, *rest)
        return made[0, 0, 0, 0]

    window = _seen(x, np.array([item * x.shape[1] + channel]), 2, element)
    return Account("dense", (window.part(),), weighted(), window=window)


def _seen(x: Value, plane: Ints, dims: int, element: Callable[[torch.Tensor], torch.Tensor]) -> Window:
    """The window in which a linear function sees one map: its gradients are the coefficients.

    plane: (1,) number of the map in x. element: the function, from a map, (1, 1, *sizes), to the explained number.
    """
    sizes = x.shape[len(x.shape) - dims :]
    with torch.inference_mode(False), torch.enable_grad():
        image = torch.zeros(1, 1, *sizes, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(element(image), image)
    coefficients: Floats = slope.numpy()[0]
    axes = tuple(_needed(coefficients[0] != 0, axis) for axis in range(dims))
    kept = np.ix_(np.zeros(1, np.int64), *(axis.places for axis in axes))
    return Window(x, plane, axes, coefficients[kept])


def _needed(used: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], axis: int) -> Axis:
    """The part of an axis from the first to the last place that is used."""
    others = tuple(n for n in range(used.ndim) if n != axis)
    places = np.flatnonzero(used.any(axis=others))
    first, last = (places[0], places[-1] + 1) if len(places) else (0, 0)
    return stretch(int(first), int(last), used.shape[axis])
