"""Linear forms whose terms are listed one by one: an output's inputs in a row, with their coefficients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.rules.registry import Arrival, Question
from cnnfix_core.rules.shares import child_signs, largest_only, proportion
from cnnfix_core.selection import Ints
from cnnfix_core.tape import Value

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
    """Hop to listed inputs.

    terms: from rows of the selection, (n,), to their inputs' positions in the flattened x, (n, m) with -1 where a row
    has fewer, and to the coefficients, of a shape that broadcasts to that.
    width: how large m may become, about: as many rows are taken at once as memory allows.
    keep_all: share among all positive contributions (global pooling) instead of the `fan_out` largest.
    part: of the evidence, what this input gets.
    pooled: under published rules follow the largest activation, as in all poolings, not the largest contribution.
    """
    selection, preset = question.selection, question.preset
    values = x.array().reshape(-1)
    step = max(1, _MOST_AT_ONCE // max(width, 1))
    for start in range(0, len(selection), step):
        rows = np.arange(start, min(start + step, len(selection)))
        index, coefficients = terms(rows)
        evidence = selection.evidence[rows] * part
        products = np.where(index >= 0, values[index] * coefficients * selection.sign[rows, None], -np.inf)
        if not preset.spread:
            chosen = np.where(index >= 0, values[index], -np.inf) if pooled else products
            shares = largest_only(chosen) * evidence[:, None]
        else:
            if not keep_all and index.shape[1] > preset.fan_out:
                columns, products = _largest(products, preset.fan_out)
                index = np.take_along_axis(index, columns, axis=1)
            shares = proportion(products, evidence)
        row, column = np.nonzero(shares > 0)
        reached = index[row, column]
        yield Arrival(x, reached, child_signs(preset, x, reached), shares[row, column], rows[row])


def _largest(products: NDArray[Any], k: int) -> tuple[Ints, NDArray[Any]]:
    """The k largest of each row, first ones on ties: columns (n, k) and values (n, k), -inf where there are fewer."""
    left, rows = products.copy(), np.arange(len(products))
    columns, largest = np.empty((len(left), k), np.int64), np.empty((len(left), k), left.dtype)
    for n in range(k):
        columns[:, n] = left.argmax(axis=1)
        largest[:, n] = left[rows, columns[:, n]]
        left[rows, columns[:, n]] = -np.inf
    return columns, largest
