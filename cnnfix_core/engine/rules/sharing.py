"""Shared by the rules of linear forms: how an element's evidence is divided among its inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.engine import sparse
from cnnfix_core.engine.presets import Preset
from cnnfix_core.engine.rules.registry import Arrival, Question
from cnnfix_core.engine.tape import Value


def largest_only(products: NDArray[Any]) -> NDArray[Any]:
    """1 at the largest product of each row (the first on ties), 0 elsewhere."""
    first = products.argmax(axis=1)[:, None] == np.arange(products.shape[1])
    return np.where(first, 1.0, 0.0)


def arrival(question: Question, value: Value, index: Ints, evidence: Floats) -> Arrival:
    """Arrival of an (N, M) table of evidence at (N, M) positions of one input; entries without evidence are dropped.

    Each input is asked about in the direction of its own sign: for a negative one the question is why it is low.
    """
    reached, brought, parent = sparse.listed(index, evidence)
    return Arrival(value, reached, child_signs(question.preset, value, reached), brought, parent)


def child_signs(preset: Preset, value: Value, index: Ints) -> Signs:
    """+1 where the input's value is positive, -1 where it is negative; always +1 in an unsigned walk."""
    if not preset.signed:
        return np.ones(len(index), np.int8)
    return _direction(value.at(index))


def turned(question: Question, coefficient: NDArray[Any] | float) -> Signs:
    """The signs after a factor, or one factor for each: a negative factor turns the question around."""
    sign = question.selection.sign
    if not question.preset.signed or not np.any(negative := np.less(coefficient, 0)):
        return sign
    return np.where(negative, -sign, sign)


def _direction(numbers: NDArray[Any]) -> Signs:
    """-1 for negative numbers, otherwise +1."""
    return 1 - 2 * (numbers < 0).view(np.int8)


Terms = tuple[Ints, NDArray[Any]]
_MOST_AT_ONCE = 1 << 22


def through_terms(
    question: Question,
    x: Value,
    terms: Callable[[Ints], Terms],
    width: int,
    *,
    keep_all: bool = False,
    part: float = 1.0,
    pooled: bool = False,
) -> Iterable[Arrival]:
    """Hop to the given inputs of each output.

    Args:
        question: The question.
        x: The input.
        terms: From rows of the selection, (n,), to the positions of their inputs in the flattened x, (n, m), with -1
            for rows that have fewer, and to the coefficients, of a shape that broadcasts to (n, m).
        width: The approximate size of m, which limits how many rows are computed at once.
        keep_all: Share among all positive contributions (global pooling) instead of the `fan_out` largest.
        part: The share of the evidence that this input gets.
        pooled: Under the published rules, follow the largest activation, as in all poolings, not the largest
            contribution.
    """
    selection, preset = question.selection, question.preset
    values = x.array().reshape(-1)
    step = max(1, _MOST_AT_ONCE // max(width, 1))
    for start in range(0, len(selection), step):
        rows = np.arange(start, min(start + step, len(selection)))
        index, coefficients = terms(rows)
        evidence = selection.evidence[rows] * part
        seen = values[index]
        products = np.where(index >= 0, seen * coefficients * selection.sign[rows, None], -np.inf)
        if not preset.spread:
            chosen = np.where(index >= 0, seen, -np.inf) if pooled else products
            reached = index[np.arange(len(rows)), chosen.argmax(axis=1)]  # the first on ties
            yield Arrival(x, reached, child_signs(preset, x, reached), evidence, rows)
            continue
        if not keep_all and index.shape[1] > preset.fan_out:
            columns, products = _largest(products, preset.fan_out)
            index, seen = (np.take_along_axis(table, columns, axis=1) for table in (index, seen))
        reached, sign, brought, row = sparse.shared_among(index, products, seen < 0, evidence, preset.signed)
        yield Arrival(x, reached, sign, brought, rows[row])


def through_shares(
    question: Question,
    x: Value,
    shares: Callable[[Ints], Terms],
    width: int,
    factors: Callable[[Ints, Ints], NDArray[Any]] | None = None,
) -> Iterable[Arrival]:
    """Hop to inputs in given shares, where coefficients times inputs would not say what an output owes to them.

    Args:
        question: The question.
        x: The input.
        shares: As `terms` of `through_terms`, with shares >= 0 in place of coefficients; under the published rules the
            largest gets everything.
        width: As for `through_terms`.
        factors: From positions, (n, m), and rows, (n,), to numbers whose sign turns the question; None if none turn it.
    """
    selection, preset = question.selection, question.preset
    step = max(1, _MOST_AT_ONCE // max(width, 1))
    for start in range(0, len(selection), step):
        rows = np.arange(start, min(start + step, len(selection)))
        index, parts = shares(rows)
        parts = np.where(index >= 0, parts, 0)
        chosen = parts if preset.spread else largest_only(parts)
        row, column = np.nonzero((chosen > 0) & (parts > 0))
        sign = selection.sign[rows[row]]
        if factors is not None and preset.signed:
            sign = sign * _direction(factors(index, rows)[row, column])
        evidence = chosen[row, column] * selection.evidence[rows[row]]
        yield Arrival(x, index[row, column], sign.astype(np.int8), evidence, rows[row])


def _largest(products: NDArray[Any], k: int) -> tuple[Ints, NDArray[Any]]:
    """The k largest of each row, the first ones on ties: columns (n, k) and values (n, k), padded with -inf."""
    left, rows = products.copy(), np.arange(len(products))
    columns, largest = np.empty((len(left), k), np.int64), np.empty((len(left), k), left.dtype)
    for n in range(k):
        columns[:, n] = left.argmax(axis=1)
        largest[:, n] = left[rows, columns[:, n]]
        left[rows, columns[:, n]] = -np.inf
    return columns, largest
