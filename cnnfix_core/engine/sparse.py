"""The inner loops over lists of entries: sorting, adding up and sharing evidence. Compiled by Numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine.jit import compiled
from cnnfix_core.engine.vectors import set_bits

Array = NDArray[Any]


@compiled
def sorted_order(keys: NDArray[np.int64]) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """Return `np.argsort(keys, kind="stable")` of integers >= 0, by a radix sort with 11 bits per pass."""
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
def prevailing(group: Array, label: Array, weight: Array) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """(groups,) the label with the largest sum of weights in each group, the smallest on ties.

    group: (N,) numbers from 0, without gaps. label: (N,) integers. weight: (N,) > 0.
    """
    order, low = sorted_order(group), label.min()
    found = np.empty(group[order[-1]] + 1, np.int64)
    sums = np.zeros(label.max() - low + 1)
    start = 0
    while start < len(order):
        here, end = group[order[start]], start
        while end < len(order) and group[order[end]] == here:
            sums[label[order[end]] - low] += weight[order[end]]
            end += 1
        best, most = 0, 0.0
        for n in order[start:end]:
            at = label[n] - low
            if sums[at] > most or (sums[at] == most and at < best):
                best, most = at, sums[at]
        for n in order[start:end]:
            sums[label[n] - low] = 0
        found[here] = best + low
        start = end
    return found


@compiled
def in_proportion(products: Array, evidence: Array) -> Array:  # pragma: no cover - compiled
    """Share each row's evidence in proportion to its positive products: (N, M). Rows without any share nothing."""
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
    parent: Array, child: Array, evidence: Array, scale: Array
) -> tuple[Array, Array, Array]:  # pragma: no cover - compiled
    """The entries whose child is not -1: parent, child and evidence times the child's scale; 32-bit integers."""
    size = int(np.sum(child >= 0))
    parents, children, scaled = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size)
    count = 0
    for n in range(len(child)):
        if child[n] >= 0:
            parents[count], children[count], scaled[count] = parent[n], child[n], evidence[n] * scale[child[n]]
            count += 1
    return parents, children, scaled


@compiled
def carried(
    source: Array, target: Array, evidence: Array, part: Array, size: int
) -> Array:  # pragma: no cover - compiled
    """(size,) the evidence that edges carry from these fractions of their sources, added up by target."""
    total = np.zeros(size)
    for n in range(len(source)):
        total[target[n]] += evidence[n] * part[source[n]]
    return total


@compiled
def strongest(
    parent: Array, child: Array, evidence: Array, size: int
) -> tuple[Array, Array]:  # pragma: no cover - compiled
    """(size,) for each child the parent that gave most, the first on ties, and how much; -1 and 0 if none did."""
    best, most = np.full(size, -1), np.zeros(size)
    # Several edges may lead from one parent to the same child; sorted by parent, these are consecutive per child.
    last, given = np.full(size, -1), np.zeros(size)
    for n in sorted_order(parent):
        to = child[n]
        if last[to] != parent[n]:
            last[to], given[to] = parent[n], 0
        given[to] += evidence[n]
        if given[to] > most[to]:
            best[to], most[to] = parent[n], given[to]
    return best, most


@compiled
def shared_among(
    index: Array, products: Array, negative: Array, evidence: Array, signed: bool
) -> tuple[Array, Array, Array, Array]:  # pragma: no cover - compiled
    """Share each row's evidence in proportion to its positive products: index, sign, evidence and row of each entry.

    index, products, negative: (N, M), the position of each product's input, the product, and whether the input is
    negative, which makes the sign -1 if `signed`. Rows without a positive product share nothing.
    """
    width = index.shape[1]
    reached, sign = np.empty(index.size, np.int64), np.empty(index.size, np.int8)
    brought, row = np.empty(index.size), np.empty(index.size, np.int32)
    count = 0
    for n in range(index.shape[0]):
        total = 0.0
        for m in range(width):
            total += max(products[n, m], 0)
        scale = evidence[n] / total if total > 0 else 0.0
        for m in range(width):
            share = max(products[n, m], 0) * scale
            if share > 0:
                reached[count], brought[count], row[count] = index[n, m], share, n
                sign[count] = -1 if signed and negative[n, m] else 1
                count += 1
    return reached[:count], sign[:count], brought[:count], row[:count]


@compiled
def shared_by_two(
    terms: tuple[Array, Array],
    factors: tuple[float, float],
    index: Array,
    sign: Array,
    evidence: Array,
    signed: bool,
) -> tuple[Array, Array, Array, Array, Array]:  # pragma: no cover - compiled
    """Share a sum's evidence between two terms, (N,), in proportion to factor * term where that is positive.

    Returns (2, N) index, sign, evidence and row of the entries of each term, and (2,) the number of entries.
    """
    shape = (2, len(index))
    reached, signs = np.empty(shape, np.int64), np.empty(shape, np.int8)
    brought, row, counts = np.empty(shape), np.empty(shape, np.int32), np.zeros(2, np.int64)
    for n in range(len(index)):
        first, second = terms[0][n], terms[1][n]
        of_first = max(np.float64(factors[0] * first * sign[n]), 0.0)
        of_second = max(np.float64(factors[1] * second * sign[n]), 0.0)
        total = of_first + of_second
        scale = evidence[n] / total if total > 0 else 0.0
        for term, part, value in ((0, of_first, first), (1, of_second, second)):
            if part * scale > 0:
                at = counts[term]
                reached[term, at], brought[term, at], row[term, at] = index[n], part * scale, n
                signs[term, at] = -1 if signed and value < 0 else 1
                counts[term] += 1
    return reached, signs, brought, row, counts


@compiled
def in_order(index: Array, sign: Array) -> bool:  # pragma: no cover - compiled
    """Whether entries are sorted by index, then sign, without repeats or -1, so that there is nothing to merge."""
    last = np.int64(-1)
    for n in range(len(index)):
        key = index[n] * 2 + (sign[n] > 0)
        if key <= last:
            return False
        last = key
    return len(index) == 0 or index[0] >= 0


@compiled
def _occurring(index: Array, sign: Array, size: int) -> tuple[Array, Array, int]:  # pragma: no cover - compiled
    """A bit for each element and sign that occurs, how many are set before each word of them, and in all."""
    words = (2 * size + 63) >> 6
    bits, before = np.zeros(words, np.uint64), np.empty(words, np.int32)
    for n in range(len(index)):
        if index[n] >= 0:
            key = index[n] * 2 + (sign[n] > 0)
            bits[key >> 6] |= np.uint64(1) << np.uint64(key & 63)
    total = 0
    for word in range(words):
        before[word] = total
        total += set_bits(bits[word])
    return bits, before, total


@compiled
def merged_within(
    index: Array, sign: Array, evidence: Array, size: int
) -> tuple[Array, Array, Array]:  # pragma: no cover - compiled
    """Add up entries with the same element and sign, sorted by index, then sign; those with index -1 are left out.

    index: below `size`. An entry's row is the number of bits that are set before its own.
    """
    bits, before, total = _occurring(index, sign, size)
    at, signs, sums = np.empty(total, index.dtype), np.empty(total, sign.dtype), np.zeros(total)
    for n in range(len(index)):
        if index[n] >= 0:
            key = index[n] * 2 + (sign[n] > 0)
            word = key >> 6
            lower = (np.uint64(1) << np.uint64(key & 63)) - np.uint64(1)
            here = before[word] + set_bits(bits[word] & lower)
            at[here], signs[here] = index[n], sign[n]
            sums[here] += evidence[n]
    return at, signs, sums


@compiled
def rows_within(
    index: Array, sign: Array, wanted: Array, signs: Array, size: int
) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """The row, among sorted elements and signs, of each wanted one; -1 if there is none, as for the index -1.

    index, wanted: below `size`. Rows are found as in `merged_within`.
    """
    bits, before, _ = _occurring(index, sign, size)
    rows = np.empty(len(wanted), np.int64)
    for n in range(len(wanted)):
        rows[n] = -1
        if wanted[n] >= 0:
            key = wanted[n] * 2 + (signs[n] > 0)
            bit = np.uint64(1) << np.uint64(key & 63)
            if bits[key >> 6] & bit:
                rows[n] = before[key >> 6] + set_bits(bits[key >> 6] & (bit - np.uint64(1)))
    return rows


_MANTISSA_BITS = 44  # of 52 that are ignored: numbers are counted by exponent and the first 8 bits
_MOST_BUCKETS = 1 << 16


@compiled
def kth_largest(values: Array, k: int) -> float:  # pragma: no cover - compiled
    """The k-th largest of positive doubles: count them by their leading bits, then sort the bucket of the k-th."""
    numbers = values.view(np.int64)  # positive doubles sort like their bits
    low, high = numbers[0] >> _MANTISSA_BITS, numbers[0] >> _MANTISSA_BITS
    for number in numbers:
        low, high = min(low, number >> _MANTISSA_BITS), max(high, number >> _MANTISSA_BITS)
    if high - low > _MOST_BUCKETS:
        return np.partition(values, len(values) - k)[len(values) - k]  # type: ignore[no-any-return]
    counts = np.zeros(high - low + 1, np.int32)
    for number in numbers:
        counts[(number >> _MANTISSA_BITS) - low] += 1
    left, bucket = k, high - low
    while counts[bucket] < left:
        left -= counts[bucket]
        bucket -= 1
    inside, count = np.empty(counts[bucket]), 0
    for n in range(len(numbers)):
        if (numbers[n] >> _MANTISSA_BITS) - low == bucket:
            inside[count] = values[n]
            count += 1
    inside.sort()
    return inside[count - left]  # type: ignore[no-any-return]


@compiled
def at_least(
    index: Array, sign: Array, evidence: Array, weakest: float, k: int
) -> tuple[Array, Array, Array]:  # pragma: no cover - compiled
    """The k strongest entries, the first on ties; weakest: the k-th largest."""
    equal = k
    for value in evidence:
        equal -= value > weakest
    # Each entry is written, and the next overwrites it unless it stays: no processor could predict a branch.
    at, signs, kept = np.empty(k + 1, index.dtype), np.empty(k + 1, sign.dtype), np.empty(k + 1)
    count = 0
    for n in range(len(index)):
        tie = evidence[n] == weakest and equal > 0
        equal -= tie
        stays = evidence[n] > weakest or tie
        at[count], signs[count], kept[count] = index[n], sign[n], evidence[n]
        count += stays
    return at[:k], signs[:k], kept[:k]


@compiled
def parted(
    index: Array, sign: Array, evidence: Array, ends: Array
) -> tuple[Array, Array, Array, Array, Array]:  # pragma: no cover - compiled
    """Part elements of joined rows by the stretch of the row that they lie in, each of which is a tensor of its own.

    index: (N,) ascending. ends: (M,) where each stretch ends in a row. Returns the position in the flattened tensor,
    sign, evidence and row of each entry, those of the first tensor first, and (M + 1,) where the entries of each tensor
    start.
    """
    size, count = len(index), len(ends)
    source, place = np.empty(size, np.int32), np.empty(size, np.int64)
    starts = np.zeros(count + 2, np.int64)
    row, here, before, width = 0, 0, 0, ends[-1]
    for n in range(size):
        column = index[n] - row * width
        if column >= width:
            row, here, before = index[n] // width, 0, 0
            column = index[n] - row * width
        while column >= ends[here]:
            before = ends[here]
            here += 1
        source[n], place[n] = here, row * (ends[here] - before) + column - before
        starts[here + 2] += 1
    for m in range(count + 1):
        starts[m + 1] += starts[m]
    at, signs, brought, rows = np.empty_like(place), np.empty_like(sign), np.empty_like(evidence), np.empty_like(place)
    for n in range(size):
        to = starts[source[n] + 1]
        at[to], signs[to], brought[to], rows[to] = place[n], sign[n], evidence[n], n
        starts[source[n] + 1] += 1
    return at, signs, brought, rows, starts[:-1]


@compiled
def any_outside(index: Array) -> bool:  # pragma: no cover - compiled
    """Whether an entry has index -1."""
    for at in index:  # noqa: SIM110  # Numba compiles no generators
        if at < 0:
            return True
    return False


@compiled
def turned_signs(index: Array, sign: Array, factors: Array, inner: int) -> Array:  # pragma: no cover - compiled
    """The signs, flipped where the factor is negative; each factor applies to `inner` consecutive elements."""
    turned = np.empty_like(sign)
    for n in range(len(index)):
        turned[n] = -sign[n] if factors[index[n] // inner % len(factors)] < 0 else sign[n]
    return turned
