"""Pooling: maxima follow what they took, averages are linear forms with equal coefficients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cnnfix_core.rules.convolution import through_windows, window_geometry
from cnnfix_core.rules.registry import Arrival, Question, rule
from cnnfix_core.rules.shares import arrival, largest_only, proportion
from cnnfix_core.selection import Ints
from cnnfix_core.tape import Value


@rule("aten.max_pool2d_with_indices", "aten.max_pool3d_with_indices", outputs=(1,))
def max_pool(question: Question) -> Iterable[Arrival]:
    """The input that was taken; the forward pass noted where in its plane it lies."""
    x, window = question.operation.args[:2]
    selection = question.selection
    taken = question.operation.outputs[1].integers().reshape(-1)[selection.index]
    dims = len(window)
    plane = selection.index // np.prod(selection.shape[-dims:], dtype=np.int64)
    yield Arrival(x, plane * np.prod(x.shape[-dims:], dtype=np.int64) + taken, selection.sign, selection.evidence)


@rule("aten.avg_pool1d", "aten.avg_pool2d", "aten.avg_pool3d", args=(0,))
def avg_pool(question: Question) -> Iterable[Arrival]:
    """The inputs in each output's window, all with the same coefficient."""
    x, window, *rest = question.operation.args
    stride = (rest[0] if rest else None) or window
    padding = rest[1] if len(rest) > 1 else [0] * len(window)
    return averaged(question, x, window, stride, padding)


def averaged(
    question: Question, x: Value, window: Sequence[int], stride: Sequence[int], padding: Sequence[int]
) -> Iterable[Arrival]:
    """An average pooling is a depthwise convolution: its divisor changes no share."""
    channels = x.shape[-len(window) - 1]
    kernel = np.ones((channels, 1, *window))
    geometry = window_geometry(stride, padding, (1,) * len(window), channels)
    # The published rule for all poolings: the largest activation.
    return through_windows(question, x, kernel, geometry, "joint" if question.preset.spread else "activation")


@rule("aten._adaptive_avg_pool2d", "aten._adaptive_avg_pool3d", args=(0,))
def adaptive_avg_pool(question: Question) -> Iterable[Arrival]:
    """Averages to a given size: an average pooling where the sizes divide, otherwise windows of unequal sizes."""
    x, sizes = question.operation.args
    inner = x.shape[-len(sizes) :]
    if all(size % out == 0 for size, out in zip(inner, sizes, strict=True)):
        window = [size // out for size, out in zip(inner, sizes, strict=True)]
        return averaged(question, x, window, window, [0] * len(window))
    # Windows of different sizes: list each output's inputs, with -1 to fill up.
    coordinates = question.selection.coordinates
    index = coordinates[:, : -len(sizes)] @ _strides(x.shape)[: -len(sizes)]
    index = index[:, None]
    for axis in range(-len(sizes), 0):
        size, out = x.shape[axis], sizes[axis]
        start = coordinates[:, axis] * size // out
        end = -(-(coordinates[:, axis] + 1) * size // out)
        offsets = np.arange((end - start).max())
        positions = np.where(start[:, None] + offsets < end[:, None], start[:, None] + offsets, -1)
        joined = index[:, :, None] + positions[:, None, :] * _strides(x.shape)[axis]
        inside = (index[:, :, None] >= 0) & (positions[:, None, :] >= 0)
        index = np.where(inside, joined, -1).reshape(len(coordinates), -1)
    return from_list(question, x, index, keep_all=False)


@rule("aten.mean", "aten.sum", args=(0,))
def mean(question: Question) -> Iterable[Arrival]:
    """Mean or sum over some dimensions, such as global average pooling."""
    x, *rest = question.operation.args
    given = rest[0] if rest and rest[0] else range(len(x.shape))
    dims = sorted(axis % len(x.shape) for axis in given)
    keeps = len(rest) > 1 and rest[1]
    kept = [axis for axis in range(len(x.shape)) if axis not in dims]
    coordinates = question.selection.coordinates
    strides = _strides(x.shape)
    start = coordinates[:, kept] @ strides[kept] if keeps else coordinates @ strides[kept]
    inside = np.indices([x.shape[axis] for axis in dims]).reshape(len(dims), -1).T @ strides[dims]
    return from_list(question, x, start[:, None] + inside, keep_all=True)


def from_list(question: Question, x: Value, index: Ints, keep_all: bool) -> Iterable[Arrival]:
    """Hop to listed inputs of equal coefficients. index: (N, M), -1 where a row has fewer.

    keep_all: share among all positive ones (global pooling) instead of the `fan_out` largest.
    """
    selection, preset = question.selection, question.preset
    values = x.array().reshape(-1)[index]
    products = np.where(index >= 0, values * selection.sign[:, None], -np.inf)
    if not preset.spread:
        # The published rule for all poolings: the largest activation.
        evidence = largest_only(np.where(index >= 0, values, -np.inf)) * selection.evidence[:, None]
    elif keep_all:
        evidence = proportion(products, selection.evidence)
    else:
        rank = np.argsort(np.argsort(-products, axis=1, kind="stable"), axis=1)
        evidence = proportion(np.where(rank < preset.fan_out, products, 0), selection.evidence)
    yield arrival(question, x, index, evidence)


def _strides(shape: Sequence[int]) -> Ints:
    """Elements from one position to the next along each dimension."""
    return np.array([np.prod(shape[axis + 1 :], dtype=np.int64) for axis in range(len(shape))], np.int64)
