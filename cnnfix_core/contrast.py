"""Contrasts: "a rather than b" is a tape whose last layer computes the difference of the two scores."""

from __future__ import annotations

from dataclasses import replace

import torch

from cnnfix_core.tape import Operation, Tape, Value


def with_difference(tape: Tape, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[Tape, tuple[int, ...]]:
    """The tape with one more output, score[a] - score[b], and the position of that difference.

    After a fully connected layer the two rows of weights are subtracted, so that what speaks for both cancels. After
    any other layer the difference is a sum of the one score and the other's negative.
    """
    last = tape.output.producer
    assert last is not None  # record() refuses outputs that depend on nothing
    if last.name in ("aten.addmm", "aten.mm") and a[0] == b[0]:
        return _folded(tape, last, a, b), (a[0], 0)
    return _subtracted(tape, a, b), (0,)


def _folded(tape: Tape, last: Operation, a: tuple[int, ...], b: tuple[int, ...]) -> Tape:
    *bias, x, matrix = last.args
    weights = matrix.data.detach()
    column = (weights[:, a[1]] - weights[:, b[1]])[:, None]
    scores = tape.output_tensor
    output = Value((scores.shape[0], 1), depends=True, data=(scores[:, a[1]] - scores[:, b[1]])[:, None])
    difference = Value(tuple(column.shape), depends=False, data=column)
    operation = replace(last, args=(*bias, x, difference), kwargs={}, outputs=(output,))
    return _ending_with(tape, operation, output, tape.operations[:-1])


def _subtracted(tape: Tape, a: tuple[int, ...], b: tuple[int, ...]) -> Tape:
    scores = tape.output_tensor
    steps: list[Operation] = []
    index = tape.operations[-1].index
    terms = []
    for position in (a, b):
        value = tape.output
        for size_left in range(len(position)):
            taken = Value(value.shape[1:], depends=True, data=scores[position[: size_left + 1]])
            index += 1
            call = torch.ops.aten.select.int
            steps.append(Operation(index, "aten.select", "", (value, 0, position[size_left]), {}, (taken,), call))
            taken.producer = steps[-1]
            value = taken
        terms.append(value)
    output = Value((1,), depends=True, data=(scores[a] - scores[b]).reshape(1))
    subtraction = Operation(index + 1, "aten.sub", "", tuple(terms), {}, (output,), torch.ops.aten.sub.Tensor)
    return _ending_with(tape, subtraction, output, (*tape.operations, *steps))


def _ending_with(tape: Tape, last: Operation, output: Value, before: tuple[Operation, ...]) -> Tape:
    output.producer = last
    return replace(tape, operations=(*before, last), output=output)
