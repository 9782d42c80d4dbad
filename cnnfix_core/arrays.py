"""Array types used everywhere in the package, and arithmetic with positions in arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
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
