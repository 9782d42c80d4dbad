"""Array types used everywhere in the package, and arithmetic with positions in arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import prod
from operator import mul
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


Signs = NDArray[np.int8]


Floats = NDArray[np.float64]


def bytes_of(arrays: Iterable[NDArray[Any]]) -> int:
    """Bytes that arrays keep in memory: of a view all that it is a view of, and what several share once."""
    memories = map(_memory, arrays)
    return sum({id(memory): memory.nbytes for memory in memories}.values())


def _memory(array: NDArray[Any]) -> NDArray[Any]:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def contiguous(shape: Sequence[int]) -> list[int]:
    """The strides of a contiguous array of this shape, in elements."""
    return list(accumulate(reversed(shape[1:]), mul, initial=1))[::-1] if shape else []


def broadcast_index(index: Ints, from_shape: Sequence[int], to_shape: Sequence[int]) -> Ints:
    """Convert positions in `to_shape` to those they come from in a tensor of `from_shape` that was broadcast to it."""
    if tuple(from_shape) == tuple(to_shape):
        return index
    if len(from_shape) == len(to_shape):  # one factor per map, as in gates
        same = 0
        while same < len(from_shape) and from_shape[same] == to_shape[same]:
            same += 1
        if all(size == 1 for size in from_shape[same:]):
            return index // prod(to_shape[same:])
    coordinates: tuple[Any, ...] = np.unravel_index(index, tuple(to_shape))
    own = coordinates[len(to_shape) - len(from_shape) :]
    clipped = tuple(np.where(size == 1, 0, axis) for axis, size in zip(own, from_shape, strict=True))
    if not clipped:
        return np.zeros_like(index)
    return np.ravel_multi_index(clipped, tuple(from_shape)).astype(np.int64, copy=False)
