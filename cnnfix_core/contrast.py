"""Contrasts: "a rather than b" is a tape whose last layer computes the difference of the two scores."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import Tensor

from cnnfix_core.record import go_on, tensors_in
from cnnfix_core.tape import Operation, Tape, Value


def with_difference(tape: Tape, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Tape, int]:
    """The tape with score[a] - score[b] in its output, and where: the position in the flattened output.

    After a fully connected layer the two rows of weights are subtracted, so that what speaks for both cancels. After
    any other layer the difference is a sum of the one score and the other's negative.
    """
    last = tape.output.producer
    if last is not None and last.name in ("aten.addmm", "aten.mm") and not last.args[-1].depends and a[0] == b[0]:
        return _folded(tape, last, a, b), a[0]

    def difference(result: Any) -> Tensor:
        scores = tensors_in(result)[0]
        return scores[a] - scores[b]

    return go_on(tape, difference), 0


def _folded(tape: Tape, last: Operation, a: tuple[int, ...], b: tuple[int, ...]) -> Tape:
    *bias, x, matrix = last.args
    bias = [_difference_of(value, tape.output.shape, a, b) for value in bias]
    weights = matrix.data.detach()
    column = (weights[:, a[1]] - weights[:, b[1]])[:, None]
    scores = tape.output_tensor
    result = (scores[:, a[1]] - scores[:, b[1]])[:, None]
    output = Value(tuple(result.shape), depends=True, data=result)
    difference = Value(tuple(column.shape), depends=False, data=column)
    output.producer = subtracted = replace(last, args=(*bias, x, difference), kwargs={}, outputs=(output,))
    return replace(tape, operations=(*tape.operations[:-1], subtracted), outputs=(output,), result=result)


def _difference_of(bias: Value, scores: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> Value:
    """What is added to the difference: that of the two scores' own."""
    if bias.data is None:  # no rule reads it
        return Value((scores[0], 1), bias.depends)
    each = bias.data.detach().expand(scores)
    return Value((scores[0], 1), bias.depends, each[:, a[1], None] - each[:, b[1], None])
