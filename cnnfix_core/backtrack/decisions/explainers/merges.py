"""Where branches meet: sums, products with gates, and concatenation."""

from __future__ import annotations

import numpy as np

from cnnfix_core.backtrack.decisions.explainers.parts import (
    Part,
    candidates,
    linear,
    number_at,
    numbers,
    own_index,
    sole,
)
from cnnfix_core.backtrack.decisions.explainers.registry import Account, ElementQuery, explains
from cnnfix_core.backtrack.decisions.sentences import added, gated, joined, reciprocal
from cnnfix_core.engine import Value, followed_factors
from cnnfix_core.engine.rules import arithmetic, views


@explains(arithmetic.add)
def total(asked: ElementQuery) -> Account:
    """The sum a + alpha * b."""
    return _summed(asked, 1, arithmetic.alpha_of(asked.operation))


@explains(arithmetic.sub)
def difference(asked: ElementQuery) -> Account:
    """The difference a - alpha * b."""
    return _summed(asked, 1, -arithmetic.alpha_of(asked.operation))


@explains(arithmetic.reversed_sub)
def reversed_difference(asked: ElementQuery) -> Account:
    """The difference the other way round, b - alpha * a."""
    return _summed(asked, -arithmetic.alpha_of(asked.operation), 1)


def _summed(asked: ElementQuery, first: float, second: float) -> Account:
    """The sum first * a + second * b; terms that do not depend on the input are the bias."""
    terms = list(zip(asked.operation.args[:2], (first, second), strict=True))
    constants = [(term, c) for term, c in terms if not arithmetic.depends(term)]
    parts = tuple(_scaled(asked, term, c) for term, c in terms if arithmetic.depends(term))
    bias = sum(c * number_at(term, asked.output.shape, asked.index) for term, c in constants) if constants else None
    return Account("sum", parts, added, bias)


@explains(arithmetic.mul)
def product(asked: ElementQuery) -> Account:
    """The feature times its gate or a constant. If both factors are features, each contributes half of the product."""
    factors = asked.operation.args[:2]
    followed = followed_factors(factors, elementwise=True)
    at = [number_at(factor, asked.output.shape, asked.index) for factor in factors]
    parts = [_scaled(asked, factors[n], at[1 - n] / len(followed)) for n in followed]
    parts += [
        _gate(asked, factor) for n, factor in enumerate(factors) if n not in followed and arithmetic.depends(factor)
    ]
    return Account("gated", tuple(parts), gated())


@explains(arithmetic.div)
def quotient(asked: ElementQuery) -> Account:
    """The dividend times the reciprocal of the divisor; or a constant divided by the feature."""
    a, b = asked.operation.args[:2]
    dividend, divisor = (number_at(factor, asked.output.shape, asked.index) for factor in (a, b))
    if not arithmetic.depends(a):
        index = own_index(b, asked.output.shape, asked.index)
        return Account("gated", (sole(b, index, asked.number),), reciprocal(dividend))
    gates = (_gate(asked, b),) if arithmetic.depends(b) else ()
    return Account("gated", (_scaled(asked, a, 1 / divisor), *gates), gated("divided by"))


@explains(views.joined)
def end_to_end(asked: ElementQuery) -> Account:
    """Concatenation: the element comes from one of the tensors."""
    values, *dim = asked.operation.args
    place = list(asked.position)
    axis = dim[0] % len(place) if dim else 0
    for n, value in enumerate(values):
        if len(value.shape) != len(place):  # `torch.cat` ignores empty tensors of one dimension
            continue
        if place[axis] < value.shape[axis]:
            index = np.array([np.ravel_multi_index(place, value.shape)])
            return Account("joined", (candidates(value, index, 0),), joined(n + 1, len(values)))
        place[axis] -= value.shape[axis]
    raise AssertionError("the element lies beyond the tensors that it was joined from")


def _scaled(asked: ElementQuery, value: Value, coefficient: float) -> Part:
    """The element of an input that is broadcast to the output, times a coefficient."""
    index = np.array([own_index(value, asked.output.shape, asked.index)])
    return linear(value, index, np.array([coefficient]))


def _gate(asked: ElementQuery, value: Value) -> Part:
    """A gate: it only scales the feature and contributes nothing itself."""
    index = np.array([own_index(value, asked.output.shape, asked.index)])
    return Part(value, index, numbers(value, index), None, np.zeros(1), np.full(1, -np.inf))
