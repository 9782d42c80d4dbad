"""Every rule once more, written from its definition: one element at a time, nothing shared with the engine."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

Place = tuple[int, ...]


class Settings(NamedTuple):
    """What a preset says, as far as rules read it."""

    signed: bool
    location: str
    spread: bool
    fan_out: int


class Element(NamedTuple):
    """A selected element of an output."""

    place: Place
    sign: int
    evidence: float


class Step(NamedTuple):
    """What one selected element (its row) gave to one place of one input; place None: lost in the padding."""

    row: int
    input: int
    place: Place | None
    sign: int
    evidence: float


class Term(NamedTuple):
    """One summand of a linear form: coefficient times the value at a place of an input."""

    input: int
    place: Place
    coefficient: float
    value: float


def places(shape: Sequence[int]) -> Iterator[Place]:
    return itertools.product(*(range(size) for size in shape))


# --- shares -----------------------------------------------------------------------------------------------------------


def shared(row: int, element: Element, terms: Iterable[Term], settings: Settings, most: int | None) -> list[Step]:
    """The positive contributions (the `most` largest of them, first ones on ties) share the evidence in proportion."""
    contributions = [(element.sign * term.coefficient * term.value, term) for term in terms]
    positive = [(contribution, term) for contribution, term in contributions if contribution > 0]
    positive.sort(key=lambda pair: -pair[0])  # stable
    positive = positive[:most]
    total = sum(contribution for contribution, _ in positive)
    steps = []
    for contribution, term in positive:
        evidence = element.evidence * (contribution / total)
        steps.append(Step(row, term.input, term.place, own_sign(term.value, settings), evidence))
    return steps


def own_sign(value: float, settings: Settings) -> int:
    return -1 if settings.signed and value < 0 else 1


def turned_sign(sign: int, coefficient: float, settings: Settings) -> int:
    return -sign if settings.signed and coefficient < 0 else sign


def first_largest(candidates: Sequence[Any], key: Callable[[Any], float]) -> Any:
    best = candidates[0]
    for candidate in candidates[1:]:
        if key(candidate) > key(best):
            best = candidate
    return best


# --- convolution ------------------------------------------------------------------------------------------------------


class Window(NamedTuple):
    """How the outputs of a convolution lie over its inputs; one number a spatial axis."""

    stride: Sequence[int]
    padding: Sequence[int]
    dilation: Sequence[int]
    groups: int = 1
    transposed: bool = False


def convolution(x: Any, weight: Any, elements: Sequence[Element], settings: Settings, window: Window) -> list[Step]:
    """x: (batch, channel, ...); weight as PyTorch has it."""
    steps = []
    for row, element in enumerate(elements):
        taps = list(_taps(x, weight, element.place, window))
        inside = [Term(0, place, weight_there, float(x[place])) for _, place, weight_there in taps if place is not None]
        if settings.location == "joint":
            # In the order of the window: channel, then y, then x decide ties.
            steps += shared(row, element, inside, settings, settings.fan_out)
        else:
            steps.append(_strongest_channel(row, element, taps, x, weight.shape[2:], settings))
    return steps


def _taps(x: Any, weight: Any, place: Place, window: Window) -> Iterator[tuple[Place, Place | None, float]]:
    """For each channel and tap that the output sees: (channel, *tap), the input's place (None: padding), the weight."""
    item, output, *at = place
    if window.transposed:
        outputs_a_group = weight.shape[1]
        channels_a_group = weight.shape[0] // window.groups
    else:
        outputs_a_group = weight.shape[0] // window.groups
        channels_a_group = weight.shape[1]
    group = output // outputs_a_group
    for c in range(channels_a_group):
        channel = group * channels_a_group + c
        for tap in places(weight.shape[2:]):
            if window.transposed:
                weight_there = weight[(channel, output - group * outputs_a_group, *tap)]
            else:
                weight_there = weight[(output, c, *tap)]
            position = tuple(_position(at[axis], n, axis, x.shape[2 + axis], window) for axis, n in enumerate(tap))
            inside = None not in position
            yield (channel, *tap), ((item, channel, *position) if inside else None), float(weight_there)  # type: ignore[misc]


def _position(at: int, tap: int, axis: int, size: int, window: Window) -> int | None:
    """Where in the input the tap lies, None if nowhere."""
    stride, padding, dilation = window.stride[axis], window.padding[axis], window.dilation[axis]
    for position in range(size):
        if window.transposed:
            hit = position * stride - padding + tap * dilation == at
        else:
            hit = at * stride - padding + tap * dilation == position
        if hit:
            return position
    return None


def _strongest_channel(
    row: int, element: Element, taps: Sequence[Any], x: Any, kernel: Sequence[int], settings: Settings
) -> Step:
    """The channel with the largest sum of products over the window, and one place of it."""
    sums: dict[int, float] = {}
    for (channel, *_), place, weight in taps:
        sums[channel] = sums.get(channel, 0.0) + (weight * float(x[place]) if place is not None else 0.0)
    winner = first_largest(list(sums), lambda channel: element.sign * sums[channel])
    own = [(tuple(tap), place, weight) for (channel, *tap), place, weight in taps if channel == winner]
    if settings.location == "centre":
        middle = tuple((size - 1) // 2 for size in kernel)
        chosen = [entry for entry in own if entry[0] == middle]
    else:
        chosen = [entry for entry in own if entry[1] is not None]
    if not chosen or chosen[0][1] is None:
        return Step(row, 0, None, element.sign, element.evidence)
    if settings.location == "product":
        _, place, weight = first_largest(chosen, lambda entry: element.sign * entry[2] * float(x[entry[1]]))
    else:
        _, place, weight = first_largest(chosen, lambda entry: float(x[entry[1]]))
    return Step(row, 0, place, turned_sign(element.sign, weight, settings), element.evidence)


# --- fully connected --------------------------------------------------------------------------------------------------


def matrix_product(
    x: Any, matrix: Any, elements: Sequence[Element], settings: Settings, *, is_map: bool = False, many: bool = False
) -> list[Step]:
    """x: (M, K), matrix: (K, O). is_map: the vector is a flattened map; many: the rows are the places of a map."""
    if many:
        # Rows of a map: a 1 x 1 convolution of a picture that has nothing but channels.
        weight = np.array(matrix).T[:, :, None]
        steps = convolution(
            np.array(x)[:, :, None],
            weight,
            [e._replace(place=(*e.place, 0)) for e in elements],
            settings,
            Window((1,), (0,), (1,)),
        )
        return [step._replace(place=step.place and step.place[:2]) for step in steps]
    steps = []
    for row, element in enumerate(elements):
        item, output = element.place
        terms = [Term(0, (item, i), float(matrix[i, output]), float(x[item, i])) for i in range(x.shape[1])]
        if settings.spread or not is_map:
            steps += shared(row, element, terms, settings, None)
        else:
            best = first_largest(terms, lambda term, sign=element.sign: sign * term.coefficient * term.value)
            steps.append(Step(row, 0, best.place, own_sign(best.value, settings), element.evidence))
    return steps


# --- pooling ----------------------------------------------------------------------------------------------------------


def max_pool(
    x: Any,
    elements: Sequence[Element],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> list[Step]:
    """The largest of the window, the first on ties."""
    steps = []
    for row, element in enumerate(elements):
        seen = _window_places(x.shape, element.place, kernel, stride, padding, dilation)
        steps.append(Step(row, 0, first_largest(seen, lambda place: float(x[place])), element.sign, element.evidence))
    return steps


def avg_pool(
    x: Any,
    elements: Sequence[Element],
    settings: Settings,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
) -> list[Step]:
    once = [1] * len(kernel)
    windows = [_window_places(x.shape, e.place, kernel, stride, padding, once) for e in elements]
    return _averages(x, elements, windows, settings, settings.fan_out)


def adaptive_avg_pool(x: Any, elements: Sequence[Element], settings: Settings, sizes: Sequence[int]) -> list[Step]:
    windows = []
    for element in elements:
        head, at = element.place[: -len(sizes)], element.place[-len(sizes) :]
        ranges = []
        for i, size, out in zip(at, x.shape[-len(sizes) :], sizes, strict=True):
            ranges.append(range(math.floor(i * size / out), math.ceil((i + 1) * size / out)))
        windows.append([(*head, *position) for position in itertools.product(*ranges)])
    return _averages(x, elements, windows, settings, settings.fan_out)


def mean(x: Any, elements: Sequence[Element], settings: Settings, dims: Sequence[int], keepdim: bool) -> list[Step]:
    """Mean or sum over some dimensions."""
    dims = [dim % x.ndim for dim in dims]
    windows = []
    for element in elements:
        seen = []
        for place in places(x.shape):
            reduced = tuple(0 if axis in dims else n for axis, n in enumerate(place) if keepdim or axis not in dims)
            if reduced == element.place:
                seen.append(place)
        windows.append(seen)
    return _averages(x, elements, windows, settings, None)


def _averages(
    x: Any, elements: Sequence[Element], windows: Sequence[Sequence[Place]], settings: Settings, most: int | None
) -> list[Step]:
    steps = []
    for row, (element, seen) in enumerate(zip(elements, windows, strict=True)):
        if settings.spread:
            steps += shared(row, element, [Term(0, place, 1.0, float(x[place])) for place in seen], settings, most)
        else:
            largest = first_largest(seen, lambda place: float(x[place]))
            steps.append(Step(row, 0, largest, own_sign(float(x[largest]), settings), element.evidence))
    return steps


def _window_places(
    shape: Sequence[int],
    place: Place,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> list[Place]:
    """The places inside the input that a pooling window covers."""
    dims = len(kernel)
    head, at = place[:-dims], place[-dims:]
    seen = []
    for tap in places(kernel):
        position = tuple(at[d] * stride[d] - padding[d] + tap[d] * dilation[d] for d in range(dims))
        if all(0 <= n < size for n, size in zip(position, shape[-dims:], strict=True)):
            seen.append((*head, *position))
    return seen


# --- merges and elementwise -------------------------------------------------------------------------------------------


def broadcast_place(place: Place, shape: Sequence[int]) -> Place:
    """The place in a tensor of that shape which broadcasting puts at `place`."""
    own = place[len(place) - len(shape) :]
    return tuple(0 if size == 1 else n for n, size in zip(own, shape, strict=True))


def add(
    a: Any, b: Any, elements: Sequence[Element], settings: Settings, second: float = 1.0, skip: int = 1
) -> list[Step]:
    """a + second * b of two activations; `skip` says which of the two is the skip branch."""
    steps = []
    for row, element in enumerate(elements):
        terms = []
        for number, (x, coefficient) in enumerate(((a, 1.0), (b, second))):
            place = broadcast_place(element.place, x.shape)
            terms.append(Term(number, place, coefficient, float(x[place])))
        if settings.spread:
            steps += shared(row, element, terms, settings, None)
        else:
            ordered = [terms[skip], terms[1 - skip]]
            best = first_largest(ordered, lambda term: term.coefficient * term.value)
            steps.append(Step(row, best.input, best.place, own_sign(best.value, settings), element.evidence))
    return steps


def scaled(shape: Sequence[int], elements: Sequence[Element], settings: Settings, factor: Any) -> list[Step]:
    """One activation that is multiplied by a constant: the same element; a negative factor turns the question."""
    factor = np.asarray(factor)
    steps = []
    for row, element in enumerate(elements):
        coefficient = float(factor[broadcast_place(element.place, factor.shape)])
        sign = turned_sign(element.sign, coefficient, settings)
        steps.append(Step(row, 0, broadcast_place(element.place, shape), sign, element.evidence))
    return steps


def batch_norm(elements: Sequence[Element], settings: Settings, scale: Any) -> list[Step]:
    steps = []
    for row, element in enumerate(elements):
        coefficient = 1.0 if scale is None else float(scale[element.place[1]])
        sign = turned_sign(element.sign, coefficient, settings)
        steps.append(Step(row, 0, element.place, sign, element.evidence))
    return steps


# --- movement ---------------------------------------------------------------------------------------------------------

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


def upsampled(shape: Sequence[int], sizes: Sequence[int]) -> Origin:
    """Nearest neighbour."""

    def origin(place: Place) -> tuple[int, Place]:
        head = len(shape) - len(sizes)
        own = [math.floor(place[head + d] * shape[head + d] / out) for d, out in enumerate(sizes)]
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
