"""Selectors: operations that select one of several elements. The walk follows the selected element."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnfix_core.arrays import Ints
from cnnfix_core.engine.positions import broadcast_index
from cnnfix_core.engine.rules.dimensions import reduced_dims, searched_dim
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.tape import Value


@rule("aten.topk", "aten.sort", "aten.kthvalue", "aten.median", "aten.max", "aten.min", args=(0,), outputs=(1,))
@rule("aten.nanmedian", "aten.mode", "aten.cummax", "aten.cummin", args=(0,), outputs=(1,))
def taken_along(question: Question) -> Iterable[Arrival]:
    """The forward pass recorded which position along a dimension was selected; without a dimension, search for it."""
    operation = question.operation
    x = operation.args[0]
    if len(operation.outputs) == 1:
        yield of_all(question, x)
        return
    axis = searched_dim(operation)
    noted = operation.outputs[1]
    taken = noted.integers().reshape(-1)[question.selection.index]
    shape = noted.shape if len(noted.shape) == len(x.shape) else (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    coordinates = list(np.unravel_index(question.selection.index, shape))
    coordinates[axis] = taken
    yield _same(question, x, np.ravel_multi_index(coordinates, x.shape))


def of_all(question: Question, x: Value) -> Arrival:
    """The maximum, minimum or (lower) median of all elements, the first one on ties."""
    values = x.array().reshape(-1)
    middle = (values.size - 1) // 2
    rank = {"aten.max": -1, "aten.min": 0, "aten.median": middle, "aten.nanmedian": middle}[question.operation.name]
    taken = np.argmax(values == np.sort(values)[rank])
    return _same(question, x, np.full(len(question.selection), taken))


@rule("aten.amax", "aten.amin", args=(0,))
def over_dimensions(question: Question) -> Iterable[Arrival]:
    """The maximum or minimum over some or all dimensions."""
    operation = question.operation
    yield from extreme(question, operation.args[0], reduced_dims(operation), operation.name == "aten.amax")


@rule("aten.aminmax", args=(0,))
def both_extremes(question: Question) -> Iterable[Arrival]:
    """The minimum and the maximum over one dimension or all."""
    operation = question.operation
    yield from extreme(question, operation.args[0], reduced_dims(operation), largest=question.slot == 1)


def extreme(question: Question, x: Value, dims: Iterable[int], largest: bool) -> Iterable[Arrival]:
    """The largest or smallest element over these dimensions, the first one on ties."""
    values = x.array() if largest else -x.array()
    dims = sorted(dims)
    kept = [axis for axis in range(len(x.shape)) if axis not in dims]
    numbers = np.arange(values.size).reshape(values.shape)
    size = int(np.prod([x.shape[axis] for axis in dims]))
    rows, places = (array.transpose(*kept, *dims).reshape(-1, size) for array in (values, numbers))
    first = rows.argmax(axis=1)
    yield _same(question, x, places[np.arange(len(places)), first][question.selection.index])


@rule("aten.maximum", "aten.minimum", args=(0, 1))
def either(question: Question) -> Iterable[Arrival]:
    """The larger or smaller of two elements; the first on ties."""
    a, b = question.operation.args
    selection = question.selection
    places = [broadcast_index(selection.index, value.shape, selection.shape) for value in (a, b)]
    first, second = (value.at(place) for value, place in zip((a, b), places, strict=True))
    takes_first = first >= second if question.operation.name == "aten.maximum" else first <= second
    for value, place, taken in ((a, places[0], takes_first), (b, places[1], ~takes_first)):
        rows = np.flatnonzero(taken)
        yield Arrival(value, place[rows], selection.sign[rows], selection.evidence[rows], rows)


def _same(question: Question, x: Value, index: Ints) -> Arrival:
    return Arrival(x, index, question.selection.sign, question.selection.evidence)
