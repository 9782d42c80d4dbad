"""Merges: sums share or choose between branches, products follow the feature; constants never receive evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from cnnfix_core.engine import sparse
from cnnfix_core.engine.gates import followed_factors
from cnnfix_core.engine.positions import broadcast_index
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.rules.sharing import arrival, turned
from cnnfix_core.engine.tape import Operation, Value


@rule("aten.add", args=(0, 1))
def add(question: Question) -> Iterable[Arrival]:
    """The sum a + alpha * b."""
    return summed(question, 1, alpha_of(question.operation))


@rule("aten.sub", args=(0, 1))
def sub(question: Question) -> Iterable[Arrival]:
    """The difference a - alpha * b."""
    return summed(question, 1, -alpha_of(question.operation))


@rule("aten.rsub", args=(0, 1))
def reversed_sub(question: Question) -> Iterable[Arrival]:
    """The difference the other way round, b - alpha * a."""
    return summed(question, -alpha_of(question.operation), 1)


def summed(question: Question, first: float, second: float) -> Iterable[Arrival]:
    """Hop through first * a + second * b. The published walk follows the larger term, on a tie the skip connection."""
    operation, selection, preset = question.operation, question.selection, question.preset
    terms = [(term, c) for term, c in zip(operation.args[:2], (first, second), strict=True) if depends(term)]
    places = [broadcast_index(selection.index, value.shape, selection.shape) for value, _ in terms]
    if len(terms) == 1:
        (value, coefficient), index = terms[0], places[0]
        yield Arrival(value, index, turned(question, coefficient), selection.evidence)
        return
    if preset.spread and all(value.shape == selection.shape for value, _ in terms):
        yield from _shared_by_two(question, terms)
        return
    values = [c * value.at(index) for (value, c), index in zip(terms, places, strict=True)]
    products = np.stack(values, axis=1)
    if preset.spread:
        products = products * selection.sign[:, None]
        evidence = sparse.in_proportion(products, selection.evidence)
    else:
        skip = question.structure.skips.get(operation.index, 1)
        chosen = np.where(products[:, skip] >= products[:, 1 - skip], skip, 1 - skip)
        evidence = (chosen[:, None] == [0, 1]) * selection.evidence[:, None]
    for slot, ((value, _), index) in enumerate(zip(terms, places, strict=True)):
        yield arrival(question, value, index[:, None], evidence[:, slot : slot + 1])


def _shared_by_two(question: Question, terms: Sequence[tuple[Value, float]]) -> Iterable[Arrival]:
    """The case that both terms have the sum's shape, as in most residual blocks."""
    selection = question.selection
    first, second = (value.at(selection.index) for value, _ in terms)
    factors = tuple(first.dtype.type(coefficient) for _, coefficient in terms)
    pair = first, second.astype(first.dtype, copy=False)
    elements = selection.index, selection.sign, selection.evidence
    *columns, counts = sparse.shared_by_two(pair, factors, *elements, question.preset.signed)
    for term, (value, _) in enumerate(terms):
        yield Arrival(value, *(column[term, : counts[term]] for column in columns))


@rule("aten.mul", args=(0, 1))
def mul(question: Question) -> Iterable[Arrival]:
    """Follow the feature, with the gate or constant as its coefficient. Two features get half each."""
    factors = question.operation.args[:2]
    followed = followed_factors(factors, elementwise=True)
    if len(followed) == 2 and not question.preset.spread:
        yield from larger_factor(question)
        return
    for at in followed:
        yield scaled(question, factors[at], factors[1 - at], part=1 / len(followed))


@rule("aten.div", args=(0, 1))
def div(question: Question) -> Iterable[Arrival]:
    """Follow the dividend; if only the divisor depends on the input, follow it with the opposite sign."""
    a, b = question.operation.args[:2]
    if depends(a):
        yield scaled(question, a, b)
    else:
        yield scaled(question, b, a, turn=-1)


def scaled(question: Question, value: Value, factor: Any, turn: int = 1, part: float = 1) -> Arrival:
    """Arrive at the same element of `value`, which was scaled by a factor; a negative factor flips the sign.

    part: the fraction of the evidence that arrives.
    """
    selection = question.selection
    index = broadcast_index(selection.index, value.shape, selection.shape)
    coefficient: Any = factor
    if isinstance(factor, Value):
        coefficient = factor.at(broadcast_index(selection.index, factor.shape, selection.shape))
    evidence = selection.evidence if part == 1 else selection.evidence * part
    return Arrival(value, index, turned(question, coefficient * turn), evidence)


def larger_factor(question: Question) -> Iterable[Arrival]:
    """Follow the larger factor: the published walk has no rule for products, so they are treated like sums."""
    selection = question.selection
    factors = question.operation.args[:2]
    places = [broadcast_index(selection.index, factor.shape, selection.shape) for factor in factors]
    first, second = (factor.at(place) for factor, place in zip(factors, places, strict=True))
    for factor, place, chosen in zip(factors, places, (first >= second, first < second), strict=True):
        yield arrival(question, factor, place[:, None], (chosen * selection.evidence)[:, None])


def alpha_of(operation: Operation) -> float:
    """The factor by which PyTorch's sums multiply their second term."""
    alpha = operation.args[2] if len(operation.args) > 2 else operation.kwargs.get("alpha", 1)
    return float(alpha)


def depends(term: Any) -> bool:
    """Whether a term is a tensor that was computed from the input."""
    return isinstance(term, Value) and term.depends
