"""Which dimensions an operation reduces or searches, from its arguments."""

from __future__ import annotations

import numpy as np

from cnnfix_core.arrays import Ints, contiguous
from cnnfix_core.engine.rules.registry import Question, known_as
from cnnfix_core.engine.tape import Operation


def reduced_dims(operation: Operation, at: int = 1) -> list[int]:
    """Dimensions of a reduction: its argument number `at`, one or a list; all if it is left out."""
    x = operation.args[0]
    given = operation.args[at] if len(operation.args) > at else operation.kwargs.get("dim")
    listed = [given] if isinstance(given, int) else given or range(len(x.shape))
    return sorted(dim % len(x.shape) for dim in listed)


def reduced_elements(question: Question, at: int = 1) -> tuple[Ints, Ints]:
    """The inputs of a reduction: for row n of the selection, start[n] + inside in the flattened first argument.

    at: number of the argument with the dimensions.
    """
    shape = question.operation.args[0].shape
    dims = reduced_dims(question.operation, at)
    kept = [axis for axis in range(len(shape)) if axis not in dims]
    coordinates, strides = question.selection.coordinates, np.array(contiguous(shape), np.int64)
    if len(question.selection.shape) == len(shape):  # reduced dimensions stay, with size 1
        coordinates = coordinates[:, kept]
    inside = np.zeros(1, np.int64)
    for axis in dims:
        inside = (inside[:, None] + np.arange(shape[axis]) * strides[axis]).reshape(-1)
    return coordinates @ strides[kept], inside


def searched_dim(operation: Operation) -> int:
    """The dimension along which an operation selects an element; the last if it is left out."""
    # These have k before the dimension.
    given = operation.args[2 if known_as(operation) in ("aten.topk", "aten.kthvalue") else 1 :]
    return int(given[0] if given else operation.kwargs.get("dim", -1)) % max(len(operation.args[0].shape), 1)
