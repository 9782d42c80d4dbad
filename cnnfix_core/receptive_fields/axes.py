"""One axis of a feature map: the place of each element along it, and what it sees of the network's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnnfix_core.arrays import Floats, Ints, contiguous


@dataclass(frozen=True, slots=True)
class Axis:
    """The rows or columns of a flattened map, whatever other dimensions are between and around them.

    The place along the axis of the element at position `index` is (index // divisor) % count. Its receptive field is
    centred at offset + place * stride and is `size` >= 1 wide, in pixels of the network's input; pixel 0 is at 0.
    """

    divisor: int
    count: int
    stride: float
    offset: float
    size: float

    def places(self, index: Ints) -> Ints:
        """(N,) places of the elements at these positions."""
        return index // self.divisor % self.count

    def centres(self, places: Ints) -> Floats:
        """(N,) centres of the receptive fields, in pixels of the network's input."""
        return self.offset + places * np.float64(self.stride)

    def sampled(self, sampling: Sampling, divisor: int, count: int) -> Axis:
        """The axis of a map that was computed from this one."""
        offset = self.offset + self.stride * sampling.first
        size = self.size + self.stride * (sampling.reach - 1)
        return Axis(divisor, count, self.stride * sampling.step, offset, size)

    def resized(self, inner: int, before: int, after: int) -> Axis | None:
        """The axis after another dimension changed its size from `before` to `after`; inner: that dimension's stride.

        None if the axis is part of that dimension.
        """
        if inner % (self.divisor * self.count) == 0:
            return self
        whole, rest = divmod(self.divisor, inner * before)
        return None if rest else replace(self, divisor=whole * inner * after)

    def viewed(self, shape: Sequence[int], strides: Sequence[int], start: int) -> Axis | None:
        """The axis in a view whose element at (a, b, ...) is at position start + a * strides[0] + b * strides[1] + ...

        None if the places along the axis do not form an axis of the view.
        """
        within, along = start % self.divisor, None
        for size, step, inner in zip(shape, strides, contiguous(shape), strict=True):
            if size == 1 or step % (self.divisor * self.count) == 0:
                continue
            span = (size - 1) * step
            if span < self.divisor:  # stays within one place
                within += span
            elif along is None:
                along = size, step, inner
                within += max(0, self.divisor - step)
            else:
                return None
        if within >= self.divisor:
            return None
        return self._along(start // self.divisor % self.count, *(along or (1, self.divisor, 1)))

    def _along(self, first: int, size: int, step: int, inner: int) -> Axis | None:
        """The axis of `size` positions that start at place `first`, `step` elements apart here, `inner` in the view."""
        times, apart = max(1, self.divisor // step), max(1, step // self.divisor)
        places, rest = divmod(size, times)
        if rest or times * step != apart * self.divisor:
            return None
        if first + apart * (places - 1) >= self.count:
            if first or apart > 1 or places % self.count:
                return None
            places = self.count  # the dimension contains the axis and others before it
        return self.sampled(Sampling(first, apart), inner * times, places)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the places of a map see those of an earlier map along one axis, in places of the earlier map.

    Place 0 is centred at `first`, and each next place `step` further on; each covers `reach` places from end to end.
    """

    first: float = 0
    step: float = 1
    reach: float = 1

    @classmethod
    def window(cls, size: int, stride: int, padding: int, dilation: int = 1) -> Sampling:
        """The sampling of a convolution or pooling layer."""
        span = dilation * (size - 1)
        return cls(span / 2 - padding, stride, span + 1)

    @classmethod
    def transposed(cls, size: int, stride: int, padding: int, dilation: int = 1) -> Sampling:
        """A transposed convolution: the mean centre and the largest reach of `stride` neighbouring places."""
        span = dilation * (size - 1)
        return cls((padding - span / 2) / stride, 1 / stride, span // stride + 1)

    @classmethod
    def covering(cls, step: float, reach: float) -> Sampling:
        """A map of another size over the same area; step: the old size divided by the new one."""
        return cls((step - 1) / 2, step, reach)


def united(axes: Sequence[Axis]) -> Axis:
    """What all axes see together, exact at the middle place if their strides differ; places as in the first."""
    first, *others = axes
    if all(other == first for other in others):
        return first
    middle = (first.count - 1) / 2
    centres = [axis.offset + middle * axis.stride for axis in axes]
    low = min(centre - axis.size / 2 for axis, centre in zip(axes, centres, strict=True))
    high = max(centre + axis.size / 2 for axis, centre in zip(axes, centres, strict=True))
    stride = max(axes, key=lambda axis: axis.size).stride
    return replace(first, stride=stride, offset=(low + high) / 2 - stride * middle, size=high - low)
