"""Selectors: max pooling and other operations that copy one of several elements."""

from __future__ import annotations

import numpy as np

from cnnfix_core.arrays import Ints
from cnnfix_core.backtrack.decisions.explainers.parts import candidates, numbers, own_index
from cnnfix_core.backtrack.decisions.explainers.registry import Account, ElementQuery, explains
from cnnfix_core.backtrack.decisions.explainers.window import Axis, Window, stretch, taps
from cnnfix_core.backtrack.decisions.explainers.windows import plane_of
from cnnfix_core.backtrack.decisions.sentences import taken
from cnnfix_core.engine import Operation, Value, known_as
from cnnfix_core.engine.rules.dimensions import reduced_dims, searched_dim
from cnnfix_core.engine.rules.extrema import either, over_dimensions, taken_along
from cnnfix_core.engine.rules.pooling import max_pool

_SMALLEST = {"aten.min", "aten.amin", "aten.minimum"}
_EXTREME = {*_SMALLEST, "aten.max", "aten.amax", "aten.maximum"}


@explains(max_pool)
def pooled_maximum(asked: ElementQuery) -> Account:
    """The largest element of a window; the forward pass recorded its place in the plane."""
    x, sizes = asked.operation.args[:2]
    dims = len(sizes)
    axes = _axes(asked, dims)
    plane = plane_of(asked, dims)
    noted = int(numbers(asked.operation.outputs[1], np.array([asked.index]))[0])
    source = int(plane[0]) * int(np.prod(x.shape[-dims:])) + noted
    if axes is None:
        return Account("maximum", (candidates(x, np.array([source]), 0),), taken("the largest"))
    window = Window(x, plane, axes)
    return _chosen(x, window.index, source, "the largest", window=window)


def _axes(asked: ElementQuery, dims: int) -> tuple[Axis, ...] | None:
    """The window along each axis; None for fractional pooling, whose windows are random."""
    x, kernel, *rest = asked.operation.args
    places, sizes, outputs = asked.position[-dims:], x.shape[-dims:], asked.output.shape[-dims:]
    if known_as(asked.operation).startswith("aten.adaptive"):
        regions = zip(places, sizes, outputs, strict=True)
        return tuple(stretch(n * size // out, -(-(n + 1) * size // out), size) for n, size, out in regions)
    if known_as(asked.operation).startswith("aten.fractional"):
        return None
    stride, padding, dilation = ([*rest, *([], 0, 1)[len(rest) :]])[:3]
    settings = (np.broadcast_to(given, dims).tolist() for given in (stride or kernel, padding, dilation))
    return tuple(taps(*of_axis) for of_axis in zip(places, kernel, *settings, sizes, strict=True))


@explains(taken_along)
def along_dimension(asked: ElementQuery) -> Account:
    """An element chosen along a dimension, or among all; the forward pass recorded its place along a dimension."""
    operation = asked.operation
    x = operation.args[0]
    if len(operation.outputs) == 1:
        every = np.arange(int(np.prod(x.shape)))
        return _chosen(x, every, _first(x, every, asked.number), _how(operation))
    axis = searched_dim(operation)
    noted = int(numbers(operation.outputs[1], np.array([asked.index]))[0])
    place = list(asked.position)
    if len(place) < len(x.shape):
        place.insert(axis, 0)
    row = _through(x, place, (axis,))
    return _chosen(x, row, int(row[noted]), _how(operation))


@explains(over_dimensions)
def extreme(asked: ElementQuery) -> Account:
    """The largest or smallest element over some dimensions; the first on ties."""
    x, dims = asked.operation.args[0], reduced_dims(asked.operation)
    place = list(asked.position)
    if len(place) < len(x.shape):
        for axis in dims:
            place.insert(axis, 0)
    index = _through(x, place, dims)
    return _chosen(x, index, _first(x, index, asked.number), _how(asked.operation))


@explains(either)
def of_two(asked: ElementQuery) -> Account:
    """The larger or smaller of two elements; the first on ties."""
    smallest = known_as(asked.operation) in _SMALLEST
    values = asked.operation.args[:2]
    places = [np.array([own_index(value, asked.output.shape, asked.index)]) for value in values]
    first, second = (float(numbers(value, place)[0]) for value, place in zip(values, places, strict=True))
    chosen = 0 if (first <= second if smallest else first >= second) else 1
    parts = tuple(
        candidates(value, place, 0 if at == chosen else -1, smallest)
        for at, (value, place) in enumerate(zip(values, places, strict=True))
    )
    return Account("maximum", parts, taken(_how(asked.operation)))


def _chosen(x: Value, index: Ints, source: int, how: str, window: Window | None = None) -> Account:
    """The account of choosing one of these inputs; source: its position in the flattened tensor."""
    at = int(np.flatnonzero(index == source)[0])
    return Account("maximum", (candidates(x, index, at, how == "the smallest"),), taken(how), window=window)


def _how(operation: Operation) -> str:
    name = known_as(operation)
    return ("the smallest" if name in _SMALLEST else "the largest") if name in _EXTREME else ""


def _first(x: Value, index: Ints, number: float) -> int:
    """The first of these inputs whose value is this number."""
    return int(index[np.argmax(numbers(x, index) == number)])


def _through(x: Value, place: list[int], dims: tuple[int, ...] | list[int]) -> Ints:
    """All elements that differ from a place only along some dimensions."""
    if not x.shape:
        return np.zeros(1, np.int64)
    ranges = [np.arange(size) if axis in dims else np.array([place[axis]]) for axis, size in enumerate(x.shape)]
    return np.ravel_multi_index(np.ix_(*ranges), x.shape).reshape(-1)
