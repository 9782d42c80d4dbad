"""Sampling: outputs that are weighted averages of positions on a map, with separate weights for each axis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine.rules.registry import Arrival, Question, no_rule, rule
from cnnfix_core.engine.rules.sharing import Terms, through_terms
from cnnfix_core.engine.tape import Operation, Value

_ROUNDING = 1e-12


@rule(
    "aten.upsample_linear1d",
    "aten.upsample_bilinear2d",
    "aten.upsample_trilinear3d",
    "aten.upsample_bicubic2d",
    "aten._upsample_bilinear2d_aa",
    "aten._upsample_bicubic2d_aa",
    args=(0,),
)
def resized(question: Question) -> Iterable[Arrival]:
    """Interpolation to a given size."""
    return _with_matrices(question)


@rule("aten._adaptive_avg_pool2d", "aten._adaptive_avg_pool3d", args=(0,))
def adaptive_avg_pool(question: Question) -> Iterable[Arrival]:
    """Averages to a given size."""
    return _with_matrices(question, pooled=True)


def _with_matrices(question: Question, pooled: bool = False) -> Iterable[Arrival]:
    operation, selection = question.operation, question.selection
    x, sizes = operation.args[:2]
    matrices = [_matrix(operation, axis) for axis in range(len(sizes))]

    def rows(part: Ints) -> Sequence[Floats]:
        places = np.unravel_index(selection.index[part] % np.prod(sizes), tuple(sizes))
        return [matrix[at] for matrix, at in zip(matrices, places, strict=True)]

    return sampled(question, x, lambda part: selection.index[part] // np.prod(sizes), rows, pooled=pooled)


def _matrix(operation: Operation, axis: int) -> Floats:
    """(outputs, inputs) coefficients along one axis: the same operation on unit vectors."""
    x, sizes, *rest = operation.args
    size, dims = x.shape[axis - len(sizes)], len(sizes)
    # Two equal positions along the other axes, because PyTorch's antialiasing is wrong for maps of width 1.
    before, after = ([2] * dims for _ in range(2))
    before[axis], after[axis] = size, sizes[axis]
    unit = torch.eye(size, dtype=torch.float64).reshape(1, size, *(size if at == axis else 1 for at in range(dims)))
    made = operation.call(unit.expand(1, size, *before), after, *rest).movedim(2 + axis, 2)
    columns: Floats = made.reshape(size, sizes[axis], -1)[:, :, 0].numpy()
    return np.where(np.abs(columns) > _ROUNDING, columns, 0).T


@rule("torchvision.roi_align", args=(0, 1))
def roi_align(question: Question) -> Iterable[Arrival]:
    """Regions of a map, averaged to a grid: (R, C, h, w). The boxes are treated as constants.

    He et al.: Mask R-CNN, ICCV 2017, section 3.
    """
    x, boxes, scale, height, width, samples, aligned = question.operation.args
    batch, *corners = boxes.array().T.astype(np.float64)
    x0, y0, x1, y1 = (corner * scale - 0.5 * aligned for corner in corners)

    def places(part: Ints) -> tuple[Ints, ...]:
        return np.unravel_index(question.selection.index[part], question.selection.shape)

    def lead(part: Ints) -> Ints:
        box, channel, _, _ = places(part)
        maps: Ints = batch[box].astype(np.int64) * x.shape[1] + channel
        return maps

    def rows(part: Ints) -> Sequence[Floats]:
        box, _, row, column = places(part)
        return [
            _bin(low[box], high[box], at, count, samples, aligned, size)
            for low, high, at, count, size in ((y0, y1, row, height, x.shape[2]), (x0, x1, column, width, x.shape[3]))
        ]

    return sampled(question, x, lead, rows)


def _bin(low: Floats, high: Floats, at: Ints, count: int, samples: int, aligned: bool, size: int) -> Floats:
    """Weights (n, size) along one axis of bin number `at` out of `count` bins between `low` and `high`."""
    extent = high - low if aligned else np.maximum(high - low, 1)
    times = np.full(len(at), samples) if samples > 0 else np.ceil(extent / count).astype(np.int64)
    weights = np.zeros((len(at), size))
    for sample in range(int(times.max(initial=0))):
        place = low + (at + (sample + 0.5) / np.maximum(times, 1)) * extent / count
        inside = (place >= -1) & (place <= size) & (sample < times)
        weights += inside[:, None] * _between(place.clip(0, size - 1), size)
    return weights


@rule("aten.grid_sampler_2d", "aten.grid_sampler_3d", args=(0, 1))
def grid_sample(question: Question) -> Iterable[Arrival]:
    """Values at the positions in a grid, whose coordinates go from -1 to 1. The grid is treated as a constant.

    Jaderberg et al.: Spatial Transformer Networks, NIPS 2015, eq. 5.
    """
    x, grid, mode, padding, aligned = question.operation.args
    if mode == _BICUBIC:
        raise no_rule(question.operation, "bicubic sampling")
    weights_of = _nearest if mode == _NEAREST else _between
    selection = question.selection
    places = grid.array().astype(np.float64)

    def rows(part: Ints) -> Sequence[Floats]:
        item, _, *at = np.unravel_index(selection.index[part], selection.shape)
        coordinates = places[(item, *at)].T[::-1]
        return [
            weights_of(_on_map(place, size, padding, aligned), size)
            for size, place in zip(x.shape[2:], coordinates, strict=True)
        ]

    return sampled(question, x, lambda part: selection.index[part] // np.prod(selection.shape[2:]), rows)


_NEAREST, _BICUBIC = 1, 2  # PyTorch's numbers of modes
_BORDER, _REFLECTION = 1, 2  # and of paddings


def _on_map(place: Floats, size: int, padding: int, aligned: bool) -> Floats:
    """Coordinates from -1 to 1 as places on an axis; padding says what becomes of those outside."""
    at = (place + 1) / 2 * (size - 1) if aligned else ((place + 1) * size - 1) / 2
    if padding == _REFLECTION:
        low, span = (0.0, size - 1.0) if aligned else (-0.5, float(size))
        folded = np.abs(at - low) % (2 * span) if span else np.zeros_like(at)
        at = np.minimum(folded, 2 * span - folded) + low
    inside: Floats = at.clip(0, size - 1) if padding in (_BORDER, _REFLECTION) else at
    return inside


def _nearest(place: Floats, size: int) -> Floats:
    """Weights (n, size) of the nearest place; halves are rounded to even."""
    weights: Floats = (np.rint(place)[:, None] == np.arange(size)).astype(np.float64)
    return weights


def _between(place: Floats, size: int) -> Floats:
    """Linear interpolation: the weights (n, size) of the two neighbours of each position."""
    weights: Floats = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(size)))
    return weights


def sampled(
    question: Question,
    x: Value,
    lead: Callable[[Ints], Ints],
    rows: Callable[[Ints], Sequence[Floats]],
    pooled: bool = False,
) -> Iterable[Arrival]:
    """Hop to positions on a map whose weights are products of one weight per axis.

    Args:
        question: The question.
        x: The input.
        lead: From rows of the selection, (n,), to the index of the map in x, over batch and channels.
        rows: From rows of the selection, (n,), to the weights along each axis, (n, size).
        pooled: As for `through_terms`.
    """

    def terms(part: Ints) -> Terms:
        index, weights = lead(part)[:, None], np.ones((len(part), 1))
        for row in rows(part):
            width = int((row != 0).sum(axis=1).max(initial=1))
            places = np.argsort(row == 0, axis=1, kind="stable")[:, :width]  # those with weight first, in order
            along = np.take_along_axis(row, places, axis=1)
            index = (index[:, :, None] * row.shape[1] + places[:, None]).reshape(len(part), -1)
            weights = (weights[:, :, None] * along[:, None]).reshape(len(part), -1)
        return np.where(weights != 0, index, -1), weights

    dims = x.shape[2 - len(x.shape) :]
    return through_terms(question, x, terms, max(dims) * 4, pooled=pooled)
