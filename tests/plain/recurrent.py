"""Walks through recurrent layers, written from their equations: one layer, one direction, one sequence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# What is asked of the numbers of a vector, or of a list of vectors: (place, sign) -> evidence.
Asked = dict[tuple[Any, int], float]
# A summand: in which vector, its place there, coefficient, value.
Term = tuple[str, Any, float, float]


def hop(asked: Asked, terms: Callable[[Any], list[Term]]) -> dict[str, Asked]:
    """Through sums: all positive contributions share; what nothing contributes to falls out, and the total is kept."""
    given: dict[str, Asked] = defaultdict(lambda: defaultdict(float))
    came = 0.0
    for (place, sign), evidence in asked.items():
        positive = [(sign * c * value, name, at, value) for name, at, c, value in terms(place) if sign * c * value > 0]
        total = sum(contribution for contribution, *_ in positive)
        for contribution, name, at, value in positive:
            given[name][at, 1 if value > 0 else -1] += evidence * contribution / total
            came += evidence * contribution / total
    scale = sum(asked.values()) / came if came else 0.0
    return {name: {key: e * scale for key, e in part.items()} for name, part in given.items()}


def added(*parts: Asked) -> Asked:
    """Questions that meet at one vector."""
    total: Asked = defaultdict(float)
    for part in parts:
        for key, evidence in part.items():
            total[key] += evidence
    return total


def turned(asked: Asked, coefficients: Sequence[float]) -> Asked:
    """Through products with these numbers."""
    return {(at, -sign if coefficients[at] < 0 else sign): e for (at, sign), e in asked.items()}


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def matrix_terms(weights: Array, vector: Array) -> Callable[[int], list[Term]]:
    return lambda unit: [("to", n, float(weights[unit, n]), float(vector[n])) for n in range(len(vector))]


def lstm(xs: Array, w: Array, u: Array, bias: tuple[Array, Array], asked: Asked, at_once: bool) -> Asked:
    """From the last hidden state to the (time, feature) numbers of xs.

    w, u, bias: as torch.nn.LSTM has them, the biases beside w x and u h; gates in the order i, f, g, o.
    h = o tanh(c), c = f c' + i g, g = tanh(w x + u h'). at_once: w x is computed for all times in one product.
    """
    size, steps = u.shape[1], len(xs)
    h, c = [np.zeros(size)], [np.zeros(size)]
    past, new, of_x, of_h = [], [], [], []
    for x in xs:
        of_x.append(w @ x + bias[0])
        of_h.append(u @ h[-1] + bias[1])
        i, f, g, o = np.split(of_x[-1] + of_h[-1], 4)
        past.append(sigmoid(f) * c[-1])
        new.append(sigmoid(i) * np.tanh(g))
        c.append(past[-1] + new[-1])
        h.append(sigmoid(o) * np.tanh(c[-1]))
    cells: Asked = asked
    to_x: list[Asked] = [{} for _ in xs]
    for t in reversed(range(steps)):
        # Gates are positive: o tanh(c), f c' and i g ask their features as they are asked.
        parts = hop(cells, lambda n: [("past", n, 1.0, past[t][n]), ("new", n, 1.0, new[t][n])])  # noqa: B023
        candidate = {(2 * size + n, sign): e for (n, sign), e in parts.get("new", {}).items()}
        states: Asked = {}
        if t == 0:  # u h' is a constant
            to_x[0] = candidate
        else:
            sides = hop(candidate, lambda n: [("x", n, 1.0, of_x[t][n]), ("h", n, 1.0, of_h[t][n])])  # noqa: B023
            to_x[t] = sides.get("x", {})
            states = hop(sides.get("h", {}), matrix_terms(u, h[t])).get("to", {})
        cells = added(parts.get("past", {}), states)
    return inputs(xs, w, to_x, at_once)


def gru(xs: Array, w: Array, u: Array, bias: tuple[Array, Array], asked: Asked) -> Asked:
    """The same for torch.nn.GRU, gates in the order r, z, n, as PyTorch computes it.

    h = (h' - n) z + n, n = tanh(w x + r (u h')).
    """
    size, steps = u.shape[1], len(xs)
    h = [np.zeros(size)]
    ns, rs, rest, of_x, of_h = [], [], [], [], []
    for x in xs:
        of_x.append(w @ x + bias[0])
        of_h.append(u @ h[-1] + bias[1])
        r, z = (sigmoid(part) for part in np.split((of_x[-1] + of_h[-1])[: 2 * size], 2))
        ns.append(np.tanh(of_x[-1][2 * size :] + r * of_h[-1][2 * size :]))
        rs.append(r)
        rest.append((h[-1] - ns[-1]) * z)
        h.append(rest[-1] + ns[-1])
    to_x: list[Asked] = [{} for _ in xs]
    for t in reversed(range(steps)):
        parts = hop(asked, lambda k: [("rest", k, 1.0, rest[t][k]), ("n", k, 1.0, ns[t][k])])  # noqa: B023
        if t == 0:  # h' is a constant: h' - n is -n, and in r (u h') only r depends on the input
            n = added(parts.get("n", {}), turned(parts.get("rest", {}), [-1.0] * size))
        else:
            both = hop(parts.get("rest", {}), lambda k: [("h", k, 1.0, h[t][k]), ("n", k, -1.0, ns[t][k])])  # noqa: B023
            n = added(parts.get("n", {}), both.get("n", {}))
        side = of_h[t][2 * size :]
        sides = hop(n, lambda k: [("x", k, 1.0, of_x[t][2 * size + k]), ("h", k, 1.0, rs[t][k] * side[k])])  # noqa: B023
        candidate = {(2 * size + k, sign): e for (k, sign), e in sides.get("x", {}).items()}
        if t == 0:
            to_x[0] = added(candidate, turned(sides.get("h", {}), list(side)))
        else:
            to_x[t] = candidate
            rows = {(2 * size + k, sign): e for (k, sign), e in sides.get("h", {}).items()}
            asked = added(both.get("h", {}), hop(rows, matrix_terms(u, h[t])).get("to", {}))
    return inputs(xs, w, to_x, at_once=True)


def inputs(xs: Array, w: Array, to_x: list[Asked], at_once: bool) -> Asked:
    """Through w x, time by time or for all times in one operation."""
    asked = [{((t, unit), sign): e for (unit, sign), e in part.items()} for t, part in enumerate(to_x)]

    def terms(place: tuple[int, int]) -> list[Term]:
        t, unit = place
        return [("x", (t, n), float(w[unit, n]), float(xs[t, n])) for n in range(xs.shape[1])]

    if at_once:
        return hop(added(*asked), terms).get("x", {})
    return added(*(hop(part, terms).get("x", {}) for part in asked))
