"""Reductions, distances and sums of what lands on one place: every output as the sum that it is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from tests.plain.rules import Element, Place, Settings, Step, Term, first_largest, linear_form, places, turned_sign

Windows = Sequence[Sequence[Place]]


def spread(x: Any, elements: Sequence[Element], settings: Settings, windows: Windows) -> list[Step]:
    """The sum of (x - mean)^2 is that of (x - mean) x."""
    forms = []
    for window in windows:
        mean = sum(float(x[place]) for place in window) / len(window)
        forms.append([Term(0, place, float(x[place]) - mean, float(x[place])) for place in window])
    return linear_form(elements, forms, settings, None)


def norm(x: Any, elements: Sequence[Element], settings: Settings, windows: Windows, power: float) -> list[Step]:
    """The sum of |x|^p; for infinity the largest alone, for minus infinity the smallest."""
    forms = []
    for window in windows:
        sizes = {place: abs(float(x[place])) for place in window}
        best = first_largest(window, lambda place: sizes[place] if power > 0 else -sizes[place])  # noqa: B023
        terms = []
        for place in window:
            value = float(x[place])
            whole = sizes[place] * (place == best) if math.isinf(power) else sizes[place] ** power if value else 0.0
            terms.append(Term(0, place, whole / value if value else 0.0, value))
        forms.append(terms)
    return linear_form(elements, forms, settings, None)


def running(shape: Sequence[int], elements: Sequence[Element], dim: int) -> list[list[Place]]:
    """For each element the places up to its own along a dimension."""
    return [
        [(*element.place[:dim], n, *element.place[dim + 1 :]) for n in range(element.place[dim] + 1)]
        for element in elements
    ]


def sums(x: Any, elements: Sequence[Element], settings: Settings, windows: Windows) -> list[Step]:
    return linear_form(elements, [[Term(0, p, 1.0, float(x[p])) for p in window] for window in windows], settings, None)


def smooth_maximum(x: Any, elements: Sequence[Element], settings: Settings, windows: Windows) -> list[Step]:
    """log(sum(exp(x))): in the shares of the softmax."""
    steps = []
    for row, (element, window) in enumerate(zip(elements, windows, strict=True)):
        powers = [math.exp(float(x[place])) for place in window]
        shares = dict(zip(window, [power / sum(powers) for power in powers], strict=True))
        steps += _in_shares(row, element, shares, settings)
    return steps


def product(x: Any, elements: Sequence[Element], settings: Settings, windows: Windows) -> list[Step]:
    """In proportion to the logarithms that pull in the direction of the question; equally if none does."""
    steps = []
    for row, (element, window) in enumerate(zip(elements, windows, strict=True)):
        logs = {p: max(0.0, element.sign * math.log(max(abs(float(x[p])), 2.2250738585072014e-308))) for p in window}
        whole = sum(logs.values())
        shares = {p: log / whole if whole else 1 / len(window) for p, log in logs.items()}
        for step in _in_shares(row, element, shares, settings):
            others = math.prod(math.copysign(1, float(x[p])) if float(x[p]) else 1.0 for p in window if p != step.place)
            steps.append(step._replace(sign=turned_sign(step.sign, others, settings)))
    return steps


def _in_shares(row: int, element: Element, shares: dict[Place, float], settings: Settings) -> list[Step]:
    if not settings.spread:
        best = first_largest(list(shares), lambda place: shares[place])
        return [Step(row, 0, best, element.sign, element.evidence)]
    return [Step(row, 0, place, element.sign, element.evidence * share) for place, share in shares.items() if share]


def distances(
    pair: Sequence[Any], elements: Sequence[Element], settings: Settings, power: float, followed: Sequence[int]
) -> list[Step]:
    """What each coordinate adds to the distance's power compared with being 0."""
    steps = []
    for number in followed:
        forms = []
        for element in elements:
            *lead, row, column = element.place
            terms = []
            for k in range(pair[0].shape[-1]):
                spots = [(*_own(lead, x.shape[:-2]), n, k) for x, n in zip(pair, (row, column), strict=True)]
                mine, other = (float(pair[n][spots[n]]) for n in (number, 1 - number))
                added = abs(mine - other) ** power - abs(other) ** power
                terms.append(Term(number, spots[number], added / mine if mine else 0.0, mine))
            forms.append(terms)
        part = [e._replace(evidence=e.evidence / len(followed)) for e in elements]
        steps += linear_form(part, forms, settings, None)
    return steps


def _own(place: Sequence[int], shape: Sequence[int]) -> Place:
    return tuple(0 if size == 1 else n for n, size in zip(place[len(place) - len(shape) :], shape, strict=True))


Landing = tuple[int, Any, Callable[[Place], Place | None]]


def landed(elements: Sequence[Element], settings: Settings, landings: Sequence[Landing]) -> list[Step]:
    """Each output is the sum of what lands on it: number of the input, its values, and where each of them lands."""
    steps = []
    for row, element in enumerate(elements):
        terms = [
            Term(number, place, 1.0, float(x[place]))
            for number, x, lands in landings
            for place in places(x.shape)
            if lands(place) == element.place
        ]
        steps += [step._replace(row=row) for step in linear_form([element], [terms], settings, None) if terms]
    return steps


def deformed(
    x: Any, weight: Any, offset: Any, mask: Any, elements: Sequence[Element], settings: Settings, **geometry: Any
) -> list[Step]:
    """A convolution whose taps are moved and lie between four places of the map."""
    return linear_form(
        elements,
        [deformed_terms(x, weight, offset, mask, element.place, **geometry) for element in elements],
        settings,
        settings.fan_out,
    )


def deformed_terms(  # noqa: PLR0913
    x: Any, weight: Any, offset: Any, mask: Any, place: Place, stride: int, padding: int, dilation: int, groups: int
) -> list[Term]:
    item, output, y, x_out = place
    per_group, *kernel = weight.shape[1:]
    taps = list(itertools.product(*(range(size) for size in kernel)))
    offset_groups = offset.shape[1] // (2 * len(taps))
    terms = []
    for c in range(per_group):
        channel = output // (weight.shape[0] // groups) * per_group + c
        part = channel // (x.shape[1] // offset_groups)
        for number, (dy, dx) in enumerate(taps):
            moved = [float(offset[item, 2 * (part * len(taps) + number) + n, y, x_out]) for n in (0, 1)]
            at = [
                out * stride - padding + tap * dilation + move
                for out, tap, move in zip((y, x_out), (dy, dx), moved, strict=True)
            ]
            factor = float(weight[output, c, dy, dx])
            if mask is not None:
                factor *= float(mask[item, part * len(taps) + number, y, x_out])
            for corner in itertools.product(*((math.floor(n), math.floor(n) + 1) for n in at)):
                near = math.prod(1 - abs(n - where) for n, where in zip(at, corner, strict=True))
                if near and all(0 <= n < size for n, size in zip(corner, x.shape[2:], strict=True)):
                    spot = (item, channel, *corner)
                    terms.append(Term(0, spot, factor * near, float(x[spot])))
    return terms
