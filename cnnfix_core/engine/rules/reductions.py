"""Sums of functions along dimensions: spreads, norms, smooth maxima, running sums, products.

Each is written as a linear form, coefficients times inputs, where that is possible: the coefficients are those of the
recorded values. Under the published rules the walk follows the largest term.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Ints, contiguous
from cnnfix_core.engine.rules.dimensions import reduced_elements
from cnnfix_core.engine.rules.registry import Arrival, Question, no_rule, rule
from cnnfix_core.engine.rules.sharing import Terms, through_shares, through_terms

Coefficients = Callable[[NDArray[Any]], NDArray[Any]]
Numbers = NDArray[Any]


@rule("aten.std", "aten.var", "aten.std_mean", "aten.var_mean", args=(0,))
def spread(question: Question) -> Iterable[Arrival]:
    """Variance and standard deviation: (x - mean) x, because their sum is that of (x - mean)^2.

    The second output of "std_mean" and "var_mean" is the mean.
    """
    if question.slot == 1:
        return _reduced(question, 1, np.ones_like)
    return _reduced(question, 1, lambda x: x - x.mean(axis=1, keepdims=True))


@rule("aten.norm", "aten.linalg_vector_norm", args=(0,))
def norm(question: Question) -> Iterable[Arrival]:
    """The p-norm: sign(x) |x|^(p - 1) x, because their sum is that of |x|^p. Infinite p: the extreme element."""
    operation = question.operation
    power = operation.args[1] if len(operation.args) > 1 else operation.kwargs.get("ord", 2)
    power = 2.0 if power is None else float(power)
    if power == 0:
        raise no_rule(operation, "a count of elements that are not 0")

    def coefficients(x: Numbers) -> Numbers:
        size = np.abs(x)
        if math.isinf(power):
            taken = (size if power > 0 else -size).argmax(axis=1)
            return np.where(np.arange(x.shape[1]) == taken[:, None], np.sign(x), 0)
        powers: Numbers = np.sign(x) * np.where(size > 0, size, 1) ** (power - 1)
        return powers

    return _reduced(question, 2, coefficients)


def _reduced(question: Question, dims_at: int, coefficients: Coefficients) -> Iterable[Arrival]:
    """Hop through a reduction; coefficients: from the values of some outputs' inputs, (n, m)."""
    x = question.operation.args[0]
    start, inside = reduced_elements(question, dims_at)
    values = x.array().reshape(-1)

    def terms(rows: Ints) -> Terms:
        index = start[rows, None] + inside
        return index, coefficients(values[index])

    return through_terms(question, x, terms, len(inside), keep_all=True)


@rule("aten.logsumexp", args=(0,))
def smooth_maximum(question: Question) -> Iterable[Arrival]:
    """log(sum(exp(x))), a smooth maximum: the inputs share by their softmax, as a maximum follows the largest."""
    x = question.operation.args[0]
    start, inside = reduced_elements(question, 1)
    values = x.array().reshape(-1)

    def shares(rows: Ints) -> Terms:
        index = start[rows, None] + inside
        powers = np.exp(values[index] - values[index].max(axis=1, keepdims=True))
        return index, powers / powers.sum(axis=1, keepdims=True)

    return through_shares(question, x, shares, len(inside))


@rule("aten.cumsum", args=(0,))
def running_sum(question: Question) -> Iterable[Arrival]:
    """The sum of all elements up to a place."""
    x = question.operation.args[0]

    def terms(rows: Ints) -> Terms:
        return _up_to(question, rows), np.ones(1)

    return through_terms(question, x, terms, x.shape[_running_dim(question)] if x.shape else 1, keep_all=True)


@rule("aten.prod", "aten.cumprod", args=(0,))
def product(question: Question) -> Iterable[Arrival]:
    """A product of elements, as the sum of their logarithms: log |x| is a factor's contribution to log |product|.

    A product that is low (why is 1 - prod(1 - p) high?) goes to the factors below 1, one that is high to those above;
    if there are none, all factors share equally. The sign turns where the product of the other factors is negative.
    """
    operation = question.operation
    x = operation.args[0]
    running = operation.name == "aten.cumprod"
    start, inside = (np.zeros(0, np.int64), np.zeros(0, np.int64)) if running else reduced_elements(question, 1)
    values = x.array().reshape(-1)

    def shares(rows: Ints) -> Terms:
        index = _up_to(question, rows) if running else start[rows, None] + inside
        size = np.where(index >= 0, np.abs(values[index]).astype(float), 1)
        logs = np.log(np.maximum(size, np.finfo(np.float64).tiny)) * question.selection.sign[rows, None]
        positive = np.maximum(logs, 0)
        total = positive.sum(axis=1, keepdims=True)
        equal = (index >= 0) / (index >= 0).sum(axis=1, keepdims=True)
        return index, np.where(total > 0, positive / np.where(total > 0, total, 1), equal)

    def others(index: Ints, rows: Ints) -> Numbers:
        sign = np.where((index >= 0) & (values[index] < 0), -1, 1)
        turned: Numbers = sign * sign.prod(axis=1, keepdims=True)
        return turned

    return through_shares(question, x, shares, max(len(inside), max(x.shape, default=1)), others)


def _running_dim(question: Question) -> int:
    operation = question.operation
    given = operation.args[1] if len(operation.args) > 1 else operation.kwargs["dim"]
    return int(given) % max(len(operation.args[0].shape), 1)


def _up_to(question: Question, rows: Ints) -> Ints:
    """(n, size of the dimension) the elements up to the place of each output along the dimension; -1 for the others."""
    shape = question.operation.args[0].shape
    index = question.selection.index[rows, None]
    if not shape:
        return index
    dim = _running_dim(question)
    step = contiguous(shape)[dim]
    place = index // step % shape[dim]
    along = np.arange(shape[dim])
    return np.where(along <= place, index + (along - place) * step, -1)
