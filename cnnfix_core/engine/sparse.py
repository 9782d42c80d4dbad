"""The inner loops over lists of entries: sorting, adding up, sharing. Compiled by Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine.jit import compiled

Array = NDArray[Any]


@compiled
def sorted_order(keys: NDArray[np.int64]) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """What `np.argsort(keys, kind="stable")` gives for whole numbers from 0 on: a radix sort, 11 bits a round."""
    order, following = np.arange(len(keys)), np.empty(len(keys), np.int64)
    largest, last, shift = 0, 0, 0
    ordered = True
    for key in keys:
        largest, last, ordered = max(largest, key), key, ordered and key >= last
    while not ordered and largest >> shift > 0:
        ends = np.zeros(2049, np.int64)
        for key in keys:
            ends[(key >> shift & 2047) + 1] += 1
        for digit in range(2048):
            ends[digit + 1] += ends[digit]
        for n in order:
            digit = keys[n] >> shift & 2047
            following[ends[digit]] = n
            ends[digit] += 1
        order, following = following, order
        shift += 11
    return order


@compiled
def merged(
    index: Array, sign: Array, evidence: Array
) -> tuple[Array, Array, Array, Array]:  # pragma: no cover - compiled
    """Entries of one element and sign added up, in order of index, then sign; and which of them each entry went to.

    Entries of index -1 went to -1.
    """
    keys = np.empty(len(index), np.int64)
    ordered = True
    for n in range(len(index)):
        keys[n] = index[n] * 2 + 2 + (sign[n] > 0)
        ordered = ordered and keys[n] > (keys[n - 1] if n else 1)
    row = np.arange(len(index))
    if ordered:  # and nothing meets, as after most elementwise hops
        return index, sign, evidence, row
    count, last = -1, -1
    at, signs, sums = np.empty_like(index), np.empty_like(sign), np.empty_like(evidence)
    for n in sorted_order(keys):
        if index[n] < 0:
            row[n] = -1
            continue
        if keys[n] != last:
            count += 1
            last = keys[n]
            at[count], signs[count], sums[count] = index[n], sign[n], 0
        sums[count] += evidence[n]
        row[n] = count
    return at[: count + 1].copy(), signs[: count + 1].copy(), sums[: count + 1].copy(), row


@compiled
def in_proportion(products: Array, evidence: Array) -> Array:  # pragma: no cover - compiled
    """Each row's evidence, in proportion to its positive products: (N, M). Rows without any get nothing."""
    shares = np.zeros(products.shape)
    for n in range(products.shape[0]):
        total = 0.0
        for m in range(products.shape[1]):
            total += max(products[n, m], 0)
        if total > 0:
            for m in range(products.shape[1]):
                shares[n, m] = max(products[n, m], 0) * (evidence[n] / total)
    return shares


@compiled
def listed(index: Array, evidence: Array) -> tuple[Array, Array, Array]:  # pragma: no cover - compiled
    """The entries of (N, M) tables that have evidence: their index, evidence and row, in order."""
    reached = np.empty(evidence.size, np.int64)
    brought, row = np.empty(evidence.size), np.empty(evidence.size, np.int64)
    count = 0
    for n in range(evidence.shape[0]):
        for m in range(evidence.shape[1]):
            if evidence[n, m] > 0:
                reached[count], brought[count], row[count] = index[n, m], evidence[n, m], n
                count += 1
    return reached[:count].copy(), brought[:count].copy(), row[:count].copy()


@compiled
def stayed(
    parent: Array, child: Array, evidence: Array, scale: float
) -> tuple[Array, Array, Array]:  # pragma: no cover - compiled
    """The entries whose child is not -1: parent, child and scaled evidence, in little memory."""
    size = int(np.sum(child >= 0))
    parents, children, scaled = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
    count = 0
    for n in range(len(child)):
        if child[n] >= 0:
            parents[count], children[count], scaled[count] = parent[n], child[n], evidence[n] * scale
            count += 1
    return parents, children, scaled


@compiled
def carried(
    source: Array, target: Array, evidence: Array, part: Array, size: int
) -> Array:  # pragma: no cover - compiled
    """(size,) what goes over the edges from these parts of their sources, added up by target."""
    total = np.zeros(size)
    for n in range(len(source)):
        total[target[n]] += evidence[n] * part[source[n]]
    return total


@compiled
def strongest(
    parent: Array, child: Array, evidence: Array, size: int
) -> tuple[Array, Array]:  # pragma: no cover - compiled
    """(size,) for each child the parent that gave most, the first on ties, and how much; -1 and 0 where none gave."""
    best, most = np.full(size, -1), np.zeros(size)
    # Several edges may lead from one parent to one child: in order of the parents they follow each other.
    last, given = np.full(size, -1), np.zeros(size)
    for n in sorted_order(parent):
        to = child[n]
        if last[to] != parent[n]:
            last[to], given[to] = parent[n], 0
        given[to] += evidence[n]
        if given[to] > most[to]:
            best[to], most[to] = parent[n], given[to]
    return best, most
