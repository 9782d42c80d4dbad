"""Where the elements of an output came from, by the definition of each operation that only moves elements."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tests.plain.rules import Element, Place, Step, broadcast_place, places

Origin = Callable[[Place], tuple[int, Place] | None]


def moved(elements: Sequence[Element], origin: Origin) -> list[Step]:
    """Each element came from one place of one input, or from the padding."""
    steps = []
    for row, element in enumerate(elements):
        came = origin(element.place)
        number, place = came if came is not None else (0, None)
        steps.append(Step(row, number, place, element.sign, element.evidence))
    return steps


def cat(shapes: Sequence[Sequence[int]], dim: int) -> Origin:
    def origin(place: Place) -> tuple[int, Place]:
        at = place[dim]
        for number, shape in enumerate(shapes):
            if at < shape[dim]:
                return number, _with(place, dim, at)
            at -= shape[dim]
        raise AssertionError

    return origin


def stack(dim: int) -> Origin:
    return lambda place: (place[dim], place[:dim] + place[dim + 1 :])


def pad(shape: Sequence[int], before: Sequence[int]) -> Origin:
    """before: what was put in front of each dimension, negative where something was cut off."""

    def origin(place: Place) -> tuple[int, Place] | None:
        own = tuple(n - b for n, b in zip(place, before, strict=True))
        return (0, own) if all(0 <= n < size for n, size in zip(own, shape, strict=True)) else None

    return origin


def pad_folded(shape: Sequence[int], before: Sequence[int], mode: str) -> Origin:
    """Padding with the picture's own elements: mirrored at the border, or the border again."""

    def fold(n: int, size: int) -> int:
        if mode == "replicate":
            return 0 if n < 0 else size - 1 if n >= size else n
        if mode == "circular":
            return n % size
        return -n if n < 0 else 2 * (size - 1) - n if n >= size else n

    def origin(place: Place) -> tuple[int, Place]:
        return 0, tuple(fold(n - b, size) for n, b, size in zip(place, before, shape, strict=True))

    return origin


def cut(dim: int, start: int, step: int = 1) -> Origin:
    """A slice, and likewise one part of a split."""
    return lambda place: (0, _with(place, dim, start + step * place[dim]))


def taken(dim: int, number: int) -> Origin:
    """select and unbind."""
    return lambda place: (0, (*place[:dim], number, *place[dim:]))


def permuted(order: Sequence[int]) -> Origin:
    def origin(place: Place) -> tuple[int, Place]:
        own = [0] * len(order)
        for axis, source in enumerate(order):
            own[source] = place[axis]
        return 0, tuple(own)

    return origin


def flipped(shape: Sequence[int], dims: Sequence[int]) -> Origin:
    return lambda place: (0, tuple(shape[d] - 1 - n if d in dims else n for d, n in enumerate(place)))


def rolled(shape: Sequence[int], shift: int, dim: int) -> Origin:
    return lambda place: (0, _with(place, dim, (place[dim] - shift) % shape[dim]))


def repeated(shape: Sequence[int]) -> Origin:
    """repeat, which may put new dimensions in front."""

    def origin(place: Place) -> tuple[int, Place]:
        own = place[len(place) - len(shape) :]
        return 0, tuple(n % size for n, size in zip(own, shape, strict=True))

    return origin


def expanded(shape: Sequence[int]) -> Origin:
    return lambda place: (0, broadcast_place(place, shape))


def reshaped(before: Sequence[int], after: Sequence[int]) -> Origin:
    """The same elements in the same order: count them off in both shapes."""
    table = dict(zip(places(after), places(before), strict=True))
    return lambda place: (0, table[place])


def upsampled(shape: Sequence[int], sizes: Sequence[int], within: float = 0) -> Origin:
    """Nearest neighbour: the input in which a point of the output lies; within: where in the output element."""

    def origin(place: Place) -> tuple[int, Place]:
        head = len(shape) - len(sizes)
        own = [math.floor((place[head + d] + within) * shape[head + d] / out) for d, out in enumerate(sizes)]
        return 0, (*place[:head], *own)

    return origin


def pixel_shuffled(r: int) -> Origin:
    """(C r r, H, W) to (C, H r, W r)."""

    def origin(place: Place) -> tuple[int, Place]:
        *head, c, y, x = place
        return 0, (*head, c * r * r + (y % r) * r + x % r, y // r, x // r)

    return origin


def pixel_unshuffled(r: int) -> Origin:
    """(C, H r, W r) to (C r r, H, W)."""

    def origin(place: Place) -> tuple[int, Place]:
        *head, c, y, x = place
        return 0, (*head, c // (r * r), y * r + c // r % r, x * r + c % r)

    return origin


def channels_shuffled(channels: int, groups: int) -> Origin:
    """Channel c of the output is the c % groups'th group's channel number c // groups."""
    return lambda place: (0, _with(place, 1, place[1] % groups * (channels // groups) + place[1] // groups))


def overwritten(written: dict[Place, Place]) -> Origin:
    """Before (input 0) with some places written from another tensor (input 1)."""
    return lambda place: (1, written[place]) if place in written else (0, place)


def strided(shape: Sequence[int], strides: Sequence[int], offset: int) -> Origin:
    """as_strided on a contiguous tensor."""
    order = list(places(shape))
    return lambda place: (0, order[offset + sum(n * step for n, step in zip(place, strides, strict=True))])


def _with(place: Place, dim: int, n: int) -> Place:
    return (*place[:dim], n, *place[dim + 1 :])


# --- by masks, by lists of places -------------------------------------------------------------------------------------


def where(mask: Any, shapes: Sequence[Sequence[int]]) -> Origin:
    """The first input where the mask is true, the second elsewhere."""

    def origin(place: Place) -> tuple[int, Place]:
        number = 0 if mask[broadcast_place(place, mask.shape)] else 1
        return number, broadcast_place(place, shapes[number])

    return origin


def listed(dim: int, numbers: Sequence[int]) -> Origin:
    """Along one dimension the places of a list."""
    return lambda place: (0, _with(place, dim, int(numbers[place[dim]])))


def paired(first: Sequence[int], second: Sequence[int]) -> Origin:
    """x[first, second]: pairs of places along the first two dimensions become one dimension."""
    return lambda place: (0, (int(first[place[0]]), int(second[place[0]]), *place[1:]))


def counted(shape: Sequence[int], numbers: Any) -> Origin:
    """Places of the flattened input."""
    order = list(places(shape))
    return lambda place: (0, order[int(numbers[place])])


def masked(mask: Any) -> Origin:
    """The places where the mask is true, in their order."""
    chosen = [place for place in places(mask.shape) if mask[place]]
    return lambda place: (0, chosen[place[0]])


def gathered(dim: int, index: Any) -> Origin:
    """Along one dimension a place of its own for each element of the output."""
    return lambda place: (0, _with(place, dim, int(index[place])))


def scattered(dim: int, index: Any) -> dict[Place, Place]:
    """Where each element of the second input is written to: along one dimension to a place of its own."""
    return {_with(place, dim, int(index[place])): place for place in places(index.shape)}


def masked_out(origin: Origin, gone: Callable[[Place], bool]) -> Origin:
    """Some places hold a constant."""
    return lambda place: None if gone(place) else origin(place)


def unpooled(indices: Any, width: int) -> Origin:
    """Each maximum back at the place of its plane that it was taken from, zeros elsewhere."""
    put = {(*place[:2], *divmod(int(indices[place]), width)): place for place in places(indices.shape)}
    return lambda place: (0, put[place]) if place in put else None


# --- windows and diagonals --------------------------------------------------------------------------------------------


def unfolded(dim: int, step: int) -> Origin:
    """Windows along one dimension; the place in the window is a new last dimension."""
    return lambda place: (0, _with(place[:-1], dim, place[dim] * step + place[-1]))


def columns(
    shape: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> Origin:
    """Windows of a (batch, channel, y, x) map as the columns of (batch, channel * height * width, windows)."""
    height, width = kernel
    across = (shape[3] + 2 * padding[1] - dilation[1] * (width - 1) - 1) // stride[1] + 1

    def origin(place: Place) -> tuple[int, Place] | None:
        item, row, window = place
        channel, tap = divmod(row, height * width)
        y = window // across * stride[0] - padding[0] + tap // width * dilation[0]
        x = window % across * stride[1] - padding[1] + tap % width * dilation[1]
        return (0, (item, channel, y, x)) if 0 <= y < shape[2] and 0 <= x < shape[3] else None

    return origin


def diagonal(offset: int, first: int, second: int) -> Origin:
    """The diagonal of two dimensions, as a new last one."""

    def origin(place: Place) -> tuple[int, Place]:
        *rest, n = place
        own = dict(zip([axis for axis in range(len(rest) + 2) if axis not in (first, second)], rest, strict=True))
        own[first], own[second] = n + max(-offset, 0), n + max(offset, 0)
        return 0, tuple(own[axis] for axis in range(len(own)))

    return origin
