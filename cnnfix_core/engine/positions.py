"""Arithmetic with positions: where an element of a view or a broadcast tensor lies in what it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Ints, contiguous
from cnnfix_core.engine.jit import compiled

Array = NDArray[Any]


def in_memory(index: Ints, shape: Sequence[int], steps: Sequence[int], offset: int = 0) -> Ints:
    """Where elements lie in memory; index: in the flattened tensor of this shape. steps: its strides, in elements."""
    return _in_memory(index, *_fewest_axes(shape, steps), offset)


def broadcast_index(index: Ints, from_shape: Sequence[int], to_shape: Sequence[int]) -> Ints:
    """Convert positions in `to_shape` to those they come from in a tensor of `from_shape` that was broadcast to it."""
    if tuple(from_shape) == tuple(to_shape):
        return index
    steps = [0] * (len(to_shape) - len(from_shape))
    steps += [step if size > 1 else 0 for size, step in zip(from_shape, contiguous(from_shape), strict=True)]
    return in_memory(index, to_shape, steps)


def memory_and_steps(x: Array) -> tuple[Array, tuple[int, ...]]:
    """The array's memory, flat, and its strides in elements; copied only if it has gaps."""
    if not x.flags.c_contiguous:
        axes = sorted(range(x.ndim), key=lambda axis: (-x.strides[axis], axis))
        if not x.transpose(axes).flags.c_contiguous:
            x = np.ascontiguousarray(x)
    return x.ravel("K"), tuple([step // x.itemsize for step in x.strides])


def _fewest_axes(shape: Sequence[int], strides: Sequence[int]) -> tuple[Ints, Ints]:
    """Sizes and strides, with neighbouring axes joined where they are one in memory; at least one axis."""
    axes = [(1, 1)]
    for size, stride in zip(shape, strides, strict=True):
        before, step = axes[-1]
        if before == 1 or step == size * stride:
            axes[-1] = before * size, stride
        elif size != 1:
            axes.append((size, stride))
    sizes, steps = zip(*axes, strict=True)
    return np.array(sizes, np.int64), np.array(steps, np.int64)


@compiled
def _in_memory(
    index: Array, sizes: Array, steps: Array, offset: int
) -> NDArray[np.int64]:  # pragma: no cover - compiled
    rest, found = index.copy(), np.full(len(index), offset)
    for axis in range(len(sizes) - 1, 0, -1):
        size, step, inverse = sizes[axis], steps[axis], 1.0 / sizes[axis]
        for n in range(len(rest)):
            # A product, at most one off, in place of a quotient: processors divide slowly, and one after another.
            before = np.int64(rest[n] * inverse)
            place = rest[n] - before * size
            off = np.int64(place >= size) - np.int64(place < 0)
            rest[n] = before + off
            found[n] += (place - off * size) * step
    for n in range(len(rest)):
        found[n] += rest[n] * steps[0]
    return found
