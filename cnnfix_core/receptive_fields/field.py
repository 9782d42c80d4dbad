"""The receptive field of every element of each tensor: exact stride, offset and size in the network's input."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cnnfix_core.arrays import Floats, Ints, contiguous
from cnnfix_core.engine import (
    FamilyTable,
    HopFunction,
    Operation,
    Overwrite,
    Tape,
    Value,
    family_of,
    followed_factors,
    known_as,
)
from cnnfix_core.engine.rules import (
    arithmetic,
    convolution,
    deformation,
    extrema,
    indexing,
    linear,
    matmul,
    pooling,
    reductions,
    resampling,
    views,
)
from cnnfix_core.engine.rules.dimensions import reduced_dims
from cnnfix_core.receptive_fields.axes import Axis, Sampling, united

__all__ = ["Axis", "Field", "fields"]


@dataclass(frozen=True, slots=True)
class Field:
    """A tensor as a map with two axes. All other dimensions, whatever their order, count as channels."""

    rows: Axis
    columns: Axis

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return self.rows.count, self.columns.count

    @property
    def stride(self) -> int:
        """Distance between neighbouring places, in pixels of the network's input, rounded; one for both axes."""
        return round(math.sqrt(self.rows.stride * self.columns.stride))

    def places(self, index: Ints) -> Ints:
        """(N, 2) rows and columns of the elements at these positions in the flattened tensor."""
        return np.stack([self.rows.places(index), self.columns.places(index)], axis=1)

    def cells(self, index: Ints) -> Ints:
        """(N,) the places of these elements as numbers, row by row."""
        return self.rows.places(index) * self.columns.count + self.columns.places(index)

    def channels(self, index: Ints) -> Ints:
        """(N,) channels of the elements at these positions."""
        fine, coarse = self._by_divisor
        between = coarse.divisor // (fine.divisor * fine.count)
        outer, rest = np.divmod(index, coarse.divisor * coarse.count)
        middle = rest % coarse.divisor // (fine.divisor * fine.count)
        channels: Ints = (outer * between + middle) * fine.divisor + rest % fine.divisor
        return channels

    def index(self, channel: int, row: int, column: int) -> int:
        """The position in the flattened tensor of one channel's element at a place."""
        fine, coarse = self._by_divisor
        outer, rest = divmod(channel, coarse.divisor // fine.count)
        middle, inner = divmod(rest, fine.divisor)
        start = outer * coarse.divisor * coarse.count + middle * fine.divisor * fine.count + inner
        return start + row * self.rows.divisor + column * self.columns.divisor

    def channel_map(self, channel: int) -> Ints:
        """(rows, columns) positions in the flattened tensor of one channel's elements."""
        rows, columns = (np.arange(axis.count) * axis.divisor for axis in (self.rows, self.columns))
        positions: Ints = self.index(channel, 0, 0) + rows[:, None] + columns
        return positions

    def centres(self, places: Ints) -> Floats:
        """(N, 2) x and y, in pixels of the network's input, of the receptive fields at (N, 2) rows and columns."""
        return np.stack([self.columns.centres(places[:, 1]), self.rows.centres(places[:, 0])], axis=1)

    @property
    def _by_divisor(self) -> tuple[Axis, Axis]:
        fine, coarse = sorted((self.rows, self.columns), key=lambda axis: (axis.divisor, axis.count))
        return fine, coarse


Known = Mapping[Value, Field]
FieldMaker = Callable[[Operation, Value, Known], Field | None]
_MAKERS: FamilyTable[FieldMaker] = FamilyTable("receptive field")


def receptive_field_of(*members: HopFunction | str, replace: bool = False) -> Callable[[FieldMaker], FieldMaker]:
    """Register the receptive fields of operations, given by their rule functions or by name.

    The decorated function takes an operation, one of its outputs, and the known fields by value. It returns the
    output's field, or None if the output is not a map. Without such a function, an operation with one input keeps the
    field if it keeps the shape.
    """
    return _MAKERS.register(*members, replace=replace)


def fields(tape: Tape) -> dict[Value, Field]:
    """The fields of all values of a tape that are maps with more than one place.

    An input (batch, channels, rows, columns) is a map. Gates, and tensors that are broadcast over a map, do not widen
    fields, because a walk treats them as coefficients.
    """
    where = {value: _trailing(value.shape) for value in tape.inputs if value.depends and len(value.shape) == 4}
    for operation in tape.operations:
        if not any(value in where for value in operation.inputs()):
            continue
        make = _MAKERS.find(operation) or _kept
        for output in operation.outputs:
            field = make(operation, output, where) if output.depends else None
            if field and field.size != (1, 1):
                where[output] = field
    return where


def _trailing(shape: Sequence[int]) -> Field:
    *_, rows, columns = shape
    return Field(Axis(columns, rows, 1.0, 0.0, 1.0), Axis(1, columns, 1.0, 0.0, 1.0))


def _both(field: Field | None, change: Callable[[Axis], Axis | None]) -> Field | None:
    """Apply the same change to both axes; None if it fails for one of them."""
    if field is None:
        return None
    rows, columns = change(field.rows), change(field.columns)
    return Field(rows, columns) if rows and columns else None


# --- the same places --------------------------------------------------------------------------------------------------


@receptive_field_of("aten.channel_shuffle")
def _kept(operation: Operation, output: Value, where: Known) -> Field | None:
    """An operation with one input of the same shape: elementwise functions, normalisation."""
    x, *others = operation.activations()
    return where.get(x) if not others and x.shape == output.shape else None


@receptive_field_of(indexing.same_order)
def _same_order(operation: Operation, output: Value, where: Known) -> Field | None:
    return where.get(operation.args[0])


@receptive_field_of(
    indexing.moved,
    indexing.restrided,
    resampling.grid_sample,
    resampling.roi_align,
    extrema.taken_along,
    "aten.fractional_max_pool2d",
    deformation.deformable_convolution,
    reductions.running_sum,
    "aten.cumprod",
    "aten.cummax",
    "aten.cummin",
    matmul.matrix_product,
    matmul.attention,
)
def _nowhere(operation: Operation, output: Value, where: Known) -> Field | None:
    return None


def _together(found: Iterable[Field | None]) -> Field | None:
    """The union of the fields of the largest map; fields of other maps are ignored."""
    known = [field for field in found if field]
    if len(known) < 2:
        return known[0] if known else None
    largest = max(known, key=lambda field: math.prod(field.size))
    same = [field for field in known if _places(field) == _places(largest)]
    return Field(united([field.rows for field in same]), united([field.columns for field in same]))


def _places(field: Field) -> tuple[int, int, int, int]:
    return field.rows.divisor, field.rows.count, field.columns.divisor, field.columns.count


def _broadcast(values: Iterable[Value], output: Value, where: Known) -> Field | None:
    return _together(_spread_over(value, output.shape, where) for value in values)


def _spread_over(value: Value, shape: Sequence[int], where: Known) -> Field | None:
    if value.shape == shape or value not in where:
        return where.get(value)
    own = (1,) * (len(shape) - len(value.shape)) + value.shape
    strides = [0 if size == 1 else step for size, step in zip(own, contiguous(own), strict=True)]
    return _both(where[value], lambda axis: axis.viewed(shape, strides, 0))


@receptive_field_of("aten.where", "aten.copy", arithmetic.add, arithmetic.sub, arithmetic.reversed_sub, extrema.either)
def _merged(operation: Operation, output: Value, where: Known) -> Field | None:
    return _broadcast(operation.activations(), output, where)


@receptive_field_of(arithmetic.mul)
def _product(operation: Operation, output: Value, where: Known) -> Field | None:
    factors = operation.args[:2]
    return _broadcast([factors[at] for at in followed_factors(factors, elementwise=True)], output, where)


@receptive_field_of(arithmetic.div)
def _quotient(operation: Operation, output: Value, where: Known) -> Field | None:
    return _broadcast(operation.activations()[:1], output, where)


@receptive_field_of("aten.slice_scatter", "aten.select_scatter", Overwrite.name, indexing.put)
def _written(operation: Operation, output: Value, where: Known) -> Field | None:
    """A tensor that was partly overwritten keeps its places."""
    whole, *others = operation.activations()
    return _together(where.get(value) for value in (whole, *others)) if whole.shape == output.shape else None


# --- moved elements ---------------------------------------------------------------------------------------------------


@receptive_field_of(views.viewed)
def _viewed(operation: Operation, output: Value, where: Known) -> Field | None:
    """A view of the same memory: a tensor on the meta device shows where each element is in it."""
    x, *rest = operation.args
    result = operation.call(torch.empty(x.shape, device="meta"), *rest, **operation.kwargs)
    view = result if isinstance(result, torch.Tensor) else result[operation.outputs.index(output)]
    return _both(where.get(x), lambda axis: axis.viewed(view.shape, view.stride(), int(view.storage_offset())))


@receptive_field_of("aten.max", "aten.min", pooling.mean, extrema.over_dimensions, extrema.both_extremes)
@receptive_field_of(reductions.spread, reductions.norm, reductions.smooth_maximum, reductions.product)
def _reduced(operation: Operation, output: Value, where: Known) -> Field | None:
    """Mean, sum, maximum, spread or norm over dimensions other than those of the map."""
    x = operation.args[0]
    dims = reduced_dims(operation, 2 if family_of(operation) is reductions.norm else 1)
    over = {axis: size for axis, size in enumerate(x.shape) if axis not in dims}
    strides = [contiguous(x.shape)[axis] for axis in over]
    field = _both(where.get(x), lambda axis: axis.viewed(list(over.values()), strides, 0))
    return field if field and field.size == where[x].size else None


@receptive_field_of(views.joined, "aten.stack")
def _joined(operation: Operation, output: Value, where: Known) -> Field | None:
    """Concatenation along an existing dimension, or stacking along a new one."""
    values, *given = operation.args
    dim = given[0] % len(output.shape) if given else 0
    inner = math.prod(output.shape[dim + 1 :])

    def seen(value: Value) -> Field | None:
        size = math.prod(value.shape[dim:]) // inner
        return _both(where.get(value), lambda axis: axis.resized(inner, size, output.shape[dim]))

    return _together(seen(value) for value in values if value.depends)


@receptive_field_of(linear.addmm, linear.mm)
def _multiplied(operation: Operation, output: Value, where: Known) -> Field | None:
    """Rows times a constant matrix: each row keeps its place."""
    x, matrix = operation.args[-2:]
    if matrix.depends:
        return None
    return _both(where.get(x), lambda axis: axis.resized(1, x.shape[-1], output.shape[-1]))


# --- other places ----------------------------------------------------------------------------------------------------


def _resampled(how: Callable[[Operation], Iterable[Sampling]]) -> FieldMaker:
    """An operation whose places see places of its input; how: gives the sampling along each of the last dimensions."""

    def make(operation: Operation, output: Value, where: Known) -> Field | None:
        x = operation.args[0]
        samplings = list(how(operation))
        before, after = contiguous(x.shape), contiguous(output.shape)

        def change(axis: Axis) -> Axis | None:
            for dim, how_seen in zip(range(len(x.shape))[::-1], samplings[::-1], strict=False):
                if (before[dim], x.shape[dim]) == (axis.divisor, axis.count):
                    return axis.sampled(how_seen, after[dim], output.shape[dim])
            return None

        return _both(where.get(x), change)

    return make


@receptive_field_of(convolution.convolution)
@_resampled
def _convolution(operation: Operation) -> Iterable[Sampling]:
    _, weight, _, stride, padding, dilation, transposed = operation.args[:7]
    form = Sampling.transposed if transposed else Sampling.window
    return map(form, weight.shape[2:], stride, padding, dilation)


@receptive_field_of(pooling.avg_pool)
@_resampled
def _averaging(operation: Operation) -> Iterable[Sampling]:
    return _windows(*operation.args[1:4])


@receptive_field_of(pooling.max_pool)
@_resampled
def _largest(operation: Operation) -> Iterable[Sampling]:
    return _windows(*operation.args[1:5])


def _windows(
    size: Sequence[int], stride: Sequence[int] = (), padding: Sequence[int] = (0, 0), dilation: Sequence[int] = (1, 1)
) -> Iterable[Sampling]:
    return map(Sampling.window, size, stride or size, padding, dilation)


def _steps(operation: Operation) -> list[float]:
    """Places of the input per place of the output, along each resized dimension."""
    x, sizes = operation.args[:2]
    return [before / after for before, after in zip(x.shape[-len(sizes) :], sizes, strict=True)]


@receptive_field_of("aten.adaptive_max_pool2d", resampling.adaptive_avg_pool)
@_resampled
def _adaptive(operation: Operation) -> Iterable[Sampling]:
    return (Sampling.covering(step, math.ceil(step)) for step in _steps(operation))


@receptive_field_of("aten.upsample_nearest2d", "aten._upsample_nearest_exact2d")
@_resampled
def _nearest(operation: Operation) -> Iterable[Sampling]:
    return (Sampling.covering(step, 1) for step in _steps(operation))


@receptive_field_of(resampling.resized)
@_resampled
def _interpolated(operation: Operation) -> Iterable[Sampling]:
    x, sizes, aligned = operation.args[:3]
    taps = 4 if "cubic" in known_as(operation) else 2
    if aligned:  # the corners of both maps coincide
        before = x.shape[-len(sizes) :]
        return (Sampling(0, (a - 1) / max(b - 1, 1), taps) for a, b in zip(before, sizes, strict=True))
    smooth = known_as(operation).endswith("_aa")
    return (Sampling.covering(step, taps * max(step, 1) if smooth else taps) for step in _steps(operation))


@receptive_field_of(views.padded, "aten.reflection_pad2d", "aten.replication_pad2d")
@_resampled
def _padding(operation: Operation) -> Iterable[Sampling]:
    x, borders = operation.args[:2]
    before = [0] * (len(x.shape) - len(borders) // 2) + borders[
        -2::-2
    ]  # they are listed from the last dimension to the first
    return (Sampling(-border) for border in before)


@receptive_field_of("aten.pixel_shuffle")
@_resampled
def _pixels_from_channels(operation: Operation) -> Iterable[Sampling]:
    return [Sampling.covering(1 / operation.args[1], 1)] * 2


@receptive_field_of("aten.pixel_unshuffle")
@_resampled
def _channels_from_pixels(operation: Operation) -> Iterable[Sampling]:
    return [Sampling.covering(operation.args[1], operation.args[1])] * 2
