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


def linear_form(
    elements: Sequence[Element],
    forms: Sequence[Sequence[Term]],
    settings: Settings,
    most: int | None,
    pooled: bool = False,
) -> list[Step]:
    """Each element is the sum of the terms of its form; at most that many share.

    Where only one is followed: the largest contribution, or in poolings the largest value.
    """
    steps = []
    for row, (element, terms) in enumerate(zip(elements, forms, strict=True)):
        if settings.spread:
            steps += shared(row, element, terms, settings, most)
        elif not terms:
            steps.append(Step(row, 0, None, element.sign, element.evidence))
        else:
            sign = element.sign
            size = lambda term, sign=sign: term.value if pooled else sign * term.coefficient * term.value  # noqa: E731
            best = first_largest(terms, size)
            steps.append(Step(row, best.input, best.place, own_sign(best.value, settings), element.evidence))
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
    forms = []
    for element in elements:
        item, output = element.place
        forms.append([Term(0, (item, i), float(matrix[i, output]), float(x[item, i])) for i in range(x.shape[1])])
    if not is_map:
        settings = settings._replace(spread=True)
    return linear_form(elements, forms, settings, None)


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
    return _averages(x, elements, [_adaptive_window(x, e.place, sizes) for e in elements], settings, settings.fan_out)


def adaptive_max_pool(x: Any, elements: Sequence[Element], sizes: Sequence[int]) -> list[Step]:
    """The largest of the window, the first on ties."""
    steps = []
    for row, element in enumerate(elements):
        best = first_largest(_adaptive_window(x, element.place, sizes), lambda place: float(x[place]))
        steps.append(Step(row, 0, best, element.sign, element.evidence))
    return steps


def _adaptive_window(x: Any, place: Place, sizes: Sequence[int]) -> list[Place]:
    """All places that some part of the output element lies over."""
    head, at = place[: -len(sizes)], place[-len(sizes) :]
    ranges = []
    for i, size, out in zip(at, x.shape[-len(sizes) :], sizes, strict=True):
        ranges.append(range(math.floor(i * size / out), math.ceil((i + 1) * size / out)))
    return [(*head, *position) for position in itertools.product(*ranges)]


def mean(x: Any, elements: Sequence[Element], settings: Settings, dims: Sequence[int], keepdim: bool) -> list[Step]:
    """Mean or sum over some dimensions."""
    return _averages(x, elements, reduced(x, elements, dims, keepdim), settings, None)


def reduced(x: Any, elements: Sequence[Element], dims: Sequence[int], keepdim: bool) -> list[list[Place]]:
    """For each element of a result over some dimensions the places that it was computed from."""
    dims = [dim % x.ndim for dim in dims]
    windows = []
    for element in elements:
        seen = []
        for place in places(x.shape):
            kept = tuple(0 if axis in dims else n for axis, n in enumerate(place) if keepdim or axis not in dims)
            if kept == element.place:
                seen.append(place)
        windows.append(seen)
    return windows


def _averages(
    x: Any, elements: Sequence[Element], windows: Sequence[Sequence[Place]], settings: Settings, most: int | None
) -> list[Step]:
    forms = [[Term(0, place, 1.0, float(x[place])) for place in seen] for seen in windows]
    return linear_form(elements, forms, settings, most, pooled=True)


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


def normalised(elements: Sequence[Element], settings: Settings, scale: Callable[[Place], float]) -> list[Step]:
    """The same element; a negative scale turns the question. scale: of the element at a place."""
    steps = []
    for row, element in enumerate(elements):
        sign = turned_sign(element.sign, scale(element.place), settings)
        steps.append(Step(row, 0, element.place, sign, element.evidence))
    return steps


def bent(
    x: Any, elements: Sequence[Element], settings: Settings, function: Callable[[float, Place], float]
) -> list[Step]:
    """A function of one element that rises here and falls there: which, a small step tells."""
    steps = []
    for row, element in enumerate(elements):
        place, step = broadcast_place(element.place, x.shape), 1e-6
        here = float(x[place])
        rise = function(here + step, element.place) - function(here - step, element.place)
        steps.append(Step(row, 0, place, turned_sign(element.sign, rise, settings), element.evidence))
    return steps


def product(a: Any, b: Any, elements: Sequence[Element], settings: Settings, followed: Sequence[int]) -> list[Step]:
    """a * b: the followed factors in equal parts, the other as coefficient; or, of two, the larger alone."""
    steps = []
    for row, element in enumerate(elements):
        spots = [broadcast_place(element.place, factor.shape) for factor in (a, b)]
        values = [float(a[spots[0]]), float(b[spots[1]])]
        if len(followed) == 2 and not settings.spread:
            n = 0 if values[0] >= values[1] else 1
            steps.append(Step(row, n, spots[n], own_sign(values[n], settings), element.evidence))
            continue
        for n in followed:
            sign = turned_sign(element.sign, values[1 - n], settings)
            steps.append(Step(row, n, spots[n], sign, element.evidence / len(followed)))
    return steps


# --- selectors --------------------------------------------------------------------------------------------------------


def ordered(x: Any, elements: Sequence[Element], dim: int, keepdim: bool, rank: Callable[[Place], int]) -> list[Step]:
    """Along one dimension that which comes at a rank, counted from the smallest. No two may be equal."""
    steps = []
    for row, element in enumerate(elements):
        head, tail = element.place[:dim], element.place[dim + keepdim :]
        line = sorted(range(x.shape[dim]), key=lambda n: float(x[(*head, n, *tail)]))
        steps.append(Step(row, 0, (*head, line[rank(element.place)], *tail), element.sign, element.evidence))
    return steps


def extreme(x: Any, elements: Sequence[Element], dims: Sequence[int], keepdim: bool, sign: int) -> list[Step]:
    """The largest (sign +1) or smallest (-1) over some dimensions, of equals the first."""
    steps = []
    for row, (element, seen) in enumerate(zip(elements, reduced(x, elements, dims, keepdim), strict=True)):
        best = first_largest(seen, lambda place: sign * float(x[place]))
        steps.append(Step(row, 0, best, element.sign, element.evidence))
    return steps


def running_extreme(x: Any, elements: Sequence[Element], dim: int, sign: int) -> list[Step]:
    """The largest (sign 1) or smallest element up to a place."""
    steps = []
    for row, element in enumerate(elements):
        seen = [(*element.place[:dim], n, *element.place[dim + 1 :]) for n in range(element.place[dim] + 1)]
        best = first_largest(seen, lambda place: sign * float(x[place]))
        steps.append(Step(row, 0, best, element.sign, element.evidence))
    return steps


def middle(x: Any, elements: Sequence[Element]) -> list[Step]:
    """The median of everything: of an even number the lower of the two in the middle, of equals the first."""
    order = sorted(places(x.shape), key=lambda place: float(x[place]))
    value = float(x[order[(len(order) - 1) // 2]])
    first = next(place for place in places(x.shape) if float(x[place]) == value)
    return [Step(row, 0, first, element.sign, element.evidence) for row, element in enumerate(elements)]


def either(a: Any, b: Any, elements: Sequence[Element], sign: int) -> list[Step]:
    """The larger (sign +1) or smaller (-1) of two, of equals the first."""
    steps = []
    for row, element in enumerate(elements):
        spots = [broadcast_place(element.place, x.shape) for x in (a, b)]
        n = 0 if sign * float(a[spots[0]]) >= sign * float(b[spots[1]]) else 1
        steps.append(Step(row, n, spots[n], element.sign, element.evidence))
    return steps
