"""Sampling and products of activations: every output as the sum that it is, one term at a time."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from tests.plain.rules import Element, Place, Settings, Step, Term, linear_form

# Places along one axis, with the coefficient of each.
Axis = dict[int, float]


def sampled(
    x: Any, elements: Sequence[Element], settings: Settings, axes: Callable[[Place], tuple[Place, Sequence[Axis]]]
) -> list[Step]:
    """axes: from an output's place to what stands before the sampled axes of x, and the coefficients along each."""
    return linear_form(elements, [_grid(x, *axes(element.place)) for element in elements], settings, settings.fan_out)


def total(x: Any, place: Place, axes: Callable[[Place], tuple[Place, Sequence[Axis]]]) -> float:
    """The output itself, to see that the coefficients are right."""
    return sum(term.coefficient * term.value for term in _grid(x, *axes(place)))


def _grid(x: Any, head: Place, axes: Sequence[Axis]) -> list[Term]:
    terms = []
    for steps in itertools.product(*(sorted(axis.items()) for axis in axes)):
        place = (*head, *(n for n, _ in steps))
        coefficient = math.prod(coefficient for _, coefficient in steps)
        if abs(coefficient) > 1e-12:
            terms.append(Term(0, place, coefficient, float(x[place])))
    return terms


# --- interpolation: output number i of an axis that had `size` elements and gets `out` --------------------------------


def _centre(i: int, size: int, out: int, ends_meet: bool) -> float:
    """Where the output lies in the input; ends_meet: the first and last elements lie upon each other."""
    if ends_meet:
        return i * (size - 1) / (out - 1) if out > 1 else 0.0
    return (i + 0.5) * size / out - 0.5


def linear(i: int, size: int, out: int, ends_meet: bool) -> Axis:
    return between(_centre(i, size, out, ends_meet), size)


def between(at: float, size: int) -> Axis:
    """The two neighbours of a place, the nearer the more; beyond the first and last element there is nothing else."""
    at = min(max(at, 0.0), size - 1.0)
    low = math.floor(at)
    return {low: 1 - (at - low)} if at == low else {low: 1 - (at - low), low + 1: at - low}


def cubic(i: int, size: int, out: int, ends_meet: bool) -> Axis:
    """Keys' kernel with a = -0.75 over four neighbours; at the border the outermost stands in for those outside."""
    at = _centre(i, size, out, ends_meet)
    axis: Axis = defaultdict(float)
    for n in range(math.floor(at) - 1, math.floor(at) + 3):
        axis[min(max(n, 0), size - 1)] += _keys(at - n, -0.75)
    return axis


def _keys(distance: float, a: float) -> float:
    d = abs(distance)
    if d < 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def smooth(i: int, size: int, out: int, cubic: bool) -> Axis:
    """Antialiased: a kernel that is as much wider as the picture gets smaller, over the elements that there are."""
    width = max(size / out, 1.0)
    centre, reach = (i + 0.5) * size / out, (2 if cubic else 1) * width
    axis = {}
    for n in range(max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), size)):
        distance = (n + 0.5 - centre) / width
        axis[n] = _keys(distance, -0.5) if cubic else max(0.0, 1 - abs(distance))
    whole = sum(axis.values())
    return {n: coefficient / whole for n, coefficient in axis.items()}


# --- regions and grids ------------------------------------------------------------------------------------------------


def region(i: int, size: int, bins: int, ends: tuple[float, float], samples: int, aligned: bool) -> Axis:
    """Bin number i of a region: the average of points in it, each between two elements of the map.

    ends: in elements of the map. samples: points in a bin; 0: as many as the bin has elements, begun ones included.
    """
    low, high = (end - 0.5 for end in ends) if aligned else ends
    length = (high - low) if aligned else max(high - low, 1.0)
    count = samples if samples > 0 else math.ceil(length / bins)
    axis: Axis = defaultdict(float)
    for sample in range(count):
        at = low + (i + (sample + 0.5) / count) * length / bins
        if -1 <= at <= size:  # further outside a point counts as 0
            for n, coefficient in between(at, size).items():
                axis[n] += coefficient / count
    return axis


def grid(number: float, size: int, padding: str, ends_meet: bool, nearest: bool) -> Axis:
    """A place given by a number from -1 to 1; padding: what becomes of places outside, which are 0 by themselves."""
    at = (number + 1) / 2 * (size - 1) if ends_meet else (number + 1) / 2 * size - 0.5
    if padding == "reflection":
        low, high = (0.0, size - 1.0) if ends_meet else (-0.5, size - 0.5)
        while high > low and not low <= at <= high:
            at = 2 * low - at if at < low else 2 * high - at
    if padding != "zeros":
        at = min(max(at, 0.0), size - 1.0)
    if nearest:
        return {round(at): 1.0} if 0 <= round(at) < size else {}
    low = math.floor(at)
    return {n: c for n, c in ((low, 1 - (at - low)), (low + 1, at - low)) if 0 <= n < size and c}


# --- products ---------------------------------------------------------------------------------------------------------


def matrix_product(
    a: Any, b: Any, elements: Sequence[Element], settings: Settings, followed: Sequence[int]
) -> list[Step]:
    """(B, M, K) times (B, K, O), as a linear form in the factors that are followed: each with its part of the evidence.

    Where a walk follows one contribution only, it takes the last of these factors.
    """
    steps = []
    for number in followed if settings.spread else followed[-1:]:
        forms = []
        for element in elements:
            batch, row, column = element.place
            pairs = [((batch, row, k), (batch, k, column)) for k in range(a.shape[2])]
            forms.append(
                [
                    Term(0, p, float(b[q]), float(a[p])) if number == 0 else Term(1, q, float(a[p]), float(b[q]))
                    for p, q in pairs
                ]
            )
        part = 1 / len(followed) if settings.spread else 1.0
        steps += linear_form(
            [e._replace(evidence=e.evidence * part) for e in elements], forms, settings, settings.fan_out
        )
    return steps


def attention(
    qkv: Sequence[Any], elements: Sequence[Element], settings: Settings, scale: float, mask: Any
) -> list[Step]:
    """softmax(scale q k + mask) v as a linear form in v. (batch, heads, places, features), fewer heads for k and v.

    mask: (queries, keys), added; minus infinity where a query does not see a key.
    """
    q, k, v = qkv
    forms = []
    for element in elements:
        batch, head, query, feature = element.place
        group = head // (q.shape[1] // k.shape[1])
        seen = [key for key in range(k.shape[2]) if mask[query, key] > -math.inf]
        strength = []
        for key in seen:
            product = sum(float(q[batch, head, query, e]) * float(k[batch, group, key, e]) for e in range(q.shape[3]))
            strength.append(math.exp(scale * product + float(mask[query, key])))
        forms.append(
            [
                Term(2, (batch, group, key, feature), s / sum(strength), float(v[batch, group, key, feature]))
                for key, s in zip(seen, strength, strict=True)
            ]
        )
    return linear_form(elements, forms, settings, settings.fan_out)
