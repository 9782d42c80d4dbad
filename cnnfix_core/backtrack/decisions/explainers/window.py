"""Windows: the part of a map that an element sees, and the grid that shows it in one channel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.decisions.decision import Grid
from cnnfix_core.backtrack.decisions.explainers.parts import Part, numbers
from cnnfix_core.engine import Value


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """What a window sees along one axis: evenly spaced places in increasing order.

    Places below 0, or not below `size`, are outside the map. taps: the index of each place in the kernel.
    """

    places: Ints
    size: int
    taps: Ints

    @property
    def inside(self) -> Ints:
        """Indices of the places that are inside the map."""
        return np.flatnonzero((self.places >= 0) & (self.places < self.size))

    @property
    def step(self) -> int:
        """Distance between neighbouring places."""
        return int(self.places[1] - self.places[0]) if len(self.places) > 1 else 1


def stretch(first: int, last: int, size: int) -> Axis:
    """All places from `first` to `last`, excluding `last`."""
    places = np.arange(first, last)
    return Axis(places, size, np.arange(len(places)))


def taps(output: int, kernel: int, stride: int, padding: int, dilation: int, size: int) -> Axis:
    """What one output of a convolution or pooling layer sees."""
    number = np.arange(kernel)
    return Axis(output * stride - padding + number * dilation, size, number)


def transposed_taps(output: int, kernel: int, stride: int, padding: int, dilation: int, size: int) -> Axis:
    """What one output of a transposed convolution sees: the inputs that reach it when each is spread by the kernel."""
    number = np.arange(kernel)[::-1]
    reached = output + padding - number * dilation
    number = number[reached % stride == 0]
    return Axis((output + padding - number * dilation) // stride, size, number)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A window into one tensor.

    planes: (C,) indices of the maps that it covers, counted over batch and channels. axes: one to three.
    coefficients: (C, *places of each axis), None if the operation has none.
    """

    value: Value
    planes: Ints
    axes: tuple[Axis, ...]
    coefficients: Floats | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of maps, and of places inside along each axis."""
        return (len(self.planes), *(len(axis.inside) for axis in self.axes))

    @property
    def index(self) -> Ints:
        """Positions in the flattened tensor of the places inside, ordered by map, then place."""
        index = self.planes
        for axis in self.axes:
            index = (index[..., None] * axis.size) + axis.places[axis.inside]
        return index.reshape(-1)

    def part(self) -> Part:
        """The inputs, with coefficients."""
        assert self.coefficients is not None
        index = self.index
        weights = self.coefficients[np.ix_(np.arange(len(self.planes)), *(axis.inside for axis in self.axes))]
        activations = numbers(self.value, index)
        return Part(self.value, index, activations, weights.reshape(-1), weights.reshape(-1) * activations)

    def grid(self, part: Part, share: Floats, sign: int) -> Grid | None:
        """The window in the map that received most evidence at one place; else the largest sum of products.

        part: the inputs, in the order of `index`. share: (N,) their shares of the evidence. None if no place is inside.
        """
        if not math.prod(self.shape):
            return None
        shares, products = share.reshape(self.shape), sign * part.products.reshape(self.shape)
        followed = bool(share.any())
        weight = (shares if followed else products).reshape(self.shape[0], -1)
        plane = int((weight.max(axis=1) if followed else weight.sum(axis=1)).argmax())
        place = tuple(int(n) for n in np.unravel_index(weight[plane].argmax(), self.shape[1:]))
        cell = [int(axis.inside[n]) for axis, n in zip(self.axes, place, strict=True)]
        channels = self.value.shape[-len(self.axes) - 1] if len(self.value.shape) > len(self.axes) else 1
        depth = cell[0] if len(self.axes) == 3 else None
        rows, columns = self._flat_axes()
        activations, filled = self._cells(part.activations, plane, depth), self._cells(part.products, plane, depth)
        return Grid(
            channel=int(self.planes[plane] % channels),
            corner=(int(rows.places[0]), int(columns.places[0])),
            activations=activations,
            coefficients=None if self.coefficients is None else self._of_slice(self.coefficients[plane], depth),
            products=None if self.coefficients is None else filled,
            winner=(([0, *cell])[-2], cell[-1]) if followed else None,
            step=(rows.step, columns.step),
            depth=depth,
        )

    def _flat_axes(self) -> Sequence[Axis]:
        """Rows and columns; a map with one dimension is a single row."""
        return (stretch(0, 1, 1), *self.axes)[-2:]

    def _of_slice(self, cells: Floats, depth: int | None) -> Floats:
        """Rows and columns of one map, at this depth if it has three dimensions."""
        return np.atleast_2d(cells if depth is None else cells[depth])

    def _cells(self, inside: Floats, plane: int, depth: int | None) -> Floats:
        """Rows and columns of one map, NaN outside."""
        cells = np.full([len(axis.places) for axis in self.axes], np.nan)
        cells[np.ix_(*(axis.inside for axis in self.axes))] = inside.reshape(self.shape)[plane]
        return self._of_slice(cells, depth)
