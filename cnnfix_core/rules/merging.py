"""Merges: sums choose between branches; factors and summands that do not depend on the input only pass on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from cnnfix_core.errors import NoRuleError
from cnnfix_core.rules.registry import Arrival, Question, rule
from cnnfix_core.rules.shares import arrival, proportion, turned
from cnnfix_core.selection import broadcast_index
from cnnfix_core.tape import Value


@rule("aten.add", args=(0, 1))
def add(question: Question) -> Iterable[Arrival]:
    return summed(question, 1.0)


@rule("aten.sub", args=(0, 1))
def sub(question: Question) -> Iterable[Arrival]:
    return summed(question, -1.0)


def summed(question: Question, second: float) -> Iterable[Arrival]:
    """a + second * alpha * b: a linear form of two terms. The published walk follows the larger, on a tie the skip."""
    operation, selection, preset = question.operation, question.selection, question.preset
    a, b = operation.args[:2]
    coefficients = (1.0, second * operation.kwargs.get("alpha", 1))
    terms = [(term, c) for term, c in zip((a, b), coefficients, strict=True) if _depends(term)]
    places = [broadcast_index(selection.index, value.shape, selection.shape) for value, _ in terms]
    if len(terms) == 1:
        (value, coefficient), index = terms[0], places[0]
        yield Arrival(value, index, turned(question, np.full(len(index), coefficient)), selection.evidence)
        return
    values = [c * value.array().reshape(-1)[index] for (value, c), index in zip(terms, places, strict=True)]
    products = np.stack(values, axis=1)
    if preset.spread:
        evidence = proportion(products * selection.sign[:, None], selection.evidence)
    else:
        skip = question.structure.skips.get(operation.index, 1)
        chosen = np.where(products[:, skip] >= products[:, 1 - skip], skip, 1 - skip)
        evidence = (chosen[:, None] == [0, 1]) * selection.evidence[:, None]
    for slot, ((value, _), index) in enumerate(zip(terms, places, strict=True)):
        yield arrival(question, value, index[:, None], evidence[:, slot : slot + 1])


@rule("aten.mul", "aten.div", args=(0, 1))
def scaled(question: Question) -> Iterable[Arrival]:
    """A constant factor: the same element, and a negative factor turns the question around."""
    operation, selection = question.operation, question.selection
    a, b = operation.args[:2]
    if _depends(a) and _depends(b):
        raise NoRuleError(
            f"There is no rule yet for a product of two activations, {operation.place()}. "
            "Register one with cnnfix.rule, see its documentation."
        )
    value, factor = (a, b) if _depends(a) else (b, a)
    coefficient: Any = factor
    if isinstance(factor, Value):
        coefficient = factor.array().reshape(-1)[broadcast_index(selection.index, factor.shape, selection.shape)]
    index = broadcast_index(selection.index, value.shape, selection.shape)
    yield Arrival(value, index, turned(question, np.broadcast_to(coefficient, index.shape)), selection.evidence)


def _depends(term: Any) -> bool:
    return isinstance(term, Value) and term.depends
