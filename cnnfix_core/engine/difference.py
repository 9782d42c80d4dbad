"""Differences of scores: "a rather than b" for networks without a feature map to contrast on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from cnnfix_core.engine.recording import go_on
from cnnfix_core.engine.results import tensors_in
from cnnfix_core.engine.tape import Operation, Tape, Value

_RESHAPED = ("aten.view", "aten._unsafe_view", "aten.reshape", "aten.squeeze", "aten.unsqueeze")


def with_difference(tape: Tape, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Tape, int]:
    """Add score[a] - score[b] to the output of a tape.

    For scores of a fully connected layer the two rows of weights are subtracted, so that what supports both classes
    cancels. For other layers the difference is recorded as an operation.

    Returns:
        The new tape, and the position of the difference in its flattened output.
    """
    last, a_row, b_row = _fully_connected(tape, a, b)
    if last is not None and a_row[0] == b_row[0]:
        return _folded(tape, last, a_row, b_row, tape.output_tensor[a] - tape.output_tensor[b]), a_row[0]

    def difference(result: Any) -> Tensor:
        scores = tensors_in(result)[0]
        return scores[a] - scores[b]

    return go_on(tape, difference), 0


def _fully_connected(
    tape: Tape, a: tuple[int, ...], b: tuple[int, ...]
) -> tuple[Operation | None, tuple[int, ...], tuple[int, ...]]:
    """The fully connected layer of both scores, and the (row, class) of each; stacking and reshaping are undone.

    None if there is no such layer.
    """
    value = tape.output
    while value.producer is not None:
        last = value.producer
        if last.name in ("aten.addmm", "aten.mm") and not last.args[-1].depends:
            return last, a, b
        if last.name == "aten.stack":
            dimension = (last.args[1] if len(last.args) > 1 else 0) % len(value.shape)
            if a[dimension] != b[dimension]:
                break
            value = last.args[0][a[dimension]]
            a, b = ((*one[:dimension], *one[dimension + 1 :]) for one in (a, b))
        elif last.name in _RESHAPED:
            before = last.args[0]
            a, b = (tuple(map(int, np.unravel_index(_flat(one, value.shape), before.shape))) for one in (a, b))
            value = before
        else:
            break
    return None, a, b


def _flat(position: tuple[int, ...], shape: tuple[int, ...]) -> int:
    return int(np.ravel_multi_index(position, shape))


def _folded(tape: Tape, last: Operation, a: tuple[int, ...], b: tuple[int, ...], score: Tensor) -> Tape:
    """The tape up to the layer, whose output is now that score in row a[0]."""
    *bias, x, matrix = last.args
    shape = last.outputs[0].shape
    bias = [_difference_of(value, shape, a, b) for value in bias]
    weights = matrix.data.detach()
    column = (weights[:, a[1]] - weights[:, b[1]])[:, None]
    result = score.new_zeros(shape[0], 1)
    result[a[0]] = score.detach()
    output = Value(tuple(result.shape), depends=True, kept=result)
    difference = Value(tuple(column.shape), depends=False, kept=column)
    output.producer = subtracted = replace(last, args=(*bias, x, difference), kwargs={}, outputs=(output,))
    before = tape.operations[: tape.operations.index(last)]
    return replace(tape, operations=(*before, subtracted), outputs=(output,), result=result)


def _difference_of(bias: Value, scores: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> Value:
    """The difference of the two scores' biases."""
    if bias.data is None:  # no rule reads it
        return Value((scores[0], 1), bias.depends)
    each = bias.data.detach().expand(scores)
    return Value((scores[0], 1), bias.depends, each[:, a[1], None] - each[:, b[1], None])
