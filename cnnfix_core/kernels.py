"""The inner loops: which inputs contributed to an output of a linear form. Compiled by Numba, run on several threads.

Every linear form with windows is seen as a convolution of a contiguous (batch, channel, depth, height, width) input:
fewer dimensions have size 1, a matrix product is a 1 x 1 convolution, an average pooling a depthwise one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numba import njit  # type: ignore[import-untyped]
from numpy.typing import NDArray

Array = NDArray[Any]

CENTRE, PRODUCT, ACTIVATION = range(3)


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _taps(
    row: Array,
    x_shape: Array,
    k_shape: Array,
    geometry: Array,
    place: Array,
    tap: Array,
) -> int:  # pragma: no cover - compiled
    """List the window's positions inside the input: offset in a channel, and which of the kernel's places it is."""
    count = 0
    for kz in range(k_shape[0]):
        z = _input_position(row[2], kz, geometry, 0)
        if z < 0 or z >= x_shape[2]:
            continue
        for ky in range(k_shape[1]):
            y = _input_position(row[3], ky, geometry, 1)
            if y < 0 or y >= x_shape[3]:
                continue
            for kx in range(k_shape[2]):
                x = _input_position(row[4], kx, geometry, 2)
                if x < 0 or x >= x_shape[4]:
                    continue
                place[count] = (z * x_shape[3] + y) * x_shape[4] + x
                tap[count] = (kz * k_shape[1] + ky) * k_shape[2] + kx
                count += 1
    return count


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _input_position(output: int, tap: int, geometry: Array, axis: int) -> int:  # pragma: no cover - compiled
    """Where in the input a tap of the window lies; -1 where a transposed convolution has nothing."""
    stride, padding, dilation = geometry[0, axis], geometry[1, axis], geometry[2, axis]
    if geometry[3, 0] == 0:
        return output * stride - padding + tap * dilation
    position = output + padding - tap * dilation
    return position // stride if position % stride == 0 else -1


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _largest_products(
    x: Array,
    x_shape: Array,
    w: Array,
    w_shape: Array,
    geometry: Array,
    at: Array,
    sign: Array,
    floor: float,
    index: Array,
    product: Array,
) -> None:  # pragma: no cover - compiled
    k = index.shape[1]
    area = x_shape[2] * x_shape[3] * x_shape[4]
    taps = w_shape[2] * w_shape[3] * w_shape[4]
    outputs_a_group = w_shape[0] // geometry[3, 1]
    place = np.empty(taps, np.int64)
    tap = np.empty(taps, np.int64)
    for n in range(at.shape[0]):
        output = at[n, 1]
        count = _taps(at[n], x_shape, w_shape[2:], geometry, place, tap)
        first = at[n, 0] * x_shape[1] + output // outputs_a_group * w_shape[1]
        lowest = floor
        for c in range(w_shape[1]):
            start = (first + c) * area
            weights = (output * w_shape[1] + c) * taps
            for t in range(count):
                value = sign[n] * w[weights + tap[t]] * x[start + place[t]]
                if value > lowest:
                    slot = k - 1
                    while slot > 0 and product[n, slot - 1] < value:
                        product[n, slot] = product[n, slot - 1]
                        index[n, slot] = index[n, slot - 1]
                        slot -= 1
                    product[n, slot] = value
                    index[n, slot] = start + place[t]
                    lowest = product[n, k - 1]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _strongest_channel(
    x: Array,
    x_shape: Array,
    w: Array,
    w_shape: Array,
    geometry: Array,
    at: Array,
    sign: Array,
    location: int,
    index: Array,
    weight: Array,
) -> None:  # pragma: no cover - compiled
    area = x_shape[2] * x_shape[3] * x_shape[4]
    taps = w_shape[2] * w_shape[3] * w_shape[4]
    outputs_a_group = w_shape[0] // geometry[3, 1]
    place = np.empty(taps, np.int64)
    tap = np.empty(taps, np.int64)
    middle = ((w_shape[2] - 1) // 2 * w_shape[3] + (w_shape[3] - 1) // 2) * w_shape[4] + (w_shape[4] - 1) // 2
    for n in range(at.shape[0]):
        output = at[n, 1]
        count = _taps(at[n], x_shape, w_shape[2:], geometry, place, tap)
        first = at[n, 0] * x_shape[1] + output // outputs_a_group * w_shape[1]
        best_channel = 0
        best_sum = -np.inf
        for c in range(w_shape[1]):
            start = (first + c) * area
            weights = (output * w_shape[1] + c) * taps
            total = 0.0
            for t in range(count):
                total += w[weights + tap[t]] * x[start + place[t]]
            if sign[n] * total > best_sum:
                best_sum = sign[n] * total
                best_channel = c
        start = (first + best_channel) * area
        weights = (output * w_shape[1] + best_channel) * taps
        best = -np.inf
        for t in range(count):
            if location == CENTRE:
                value = 1.0 if tap[t] == middle else -np.inf
            elif location == PRODUCT:
                value = sign[n] * w[weights + tap[t]] * x[start + place[t]]
            else:
                value = x[start + place[t]]
            if value > best:
                best = value
                index[n] = start + place[t]
                weight[n] = w[weights + tap[t]]


@njit(nogil=True, cache=True)  # type: ignore[untyped-decorator]
def _share_rows(
    x: Array, w: Array, at: Array, sign: Array, evidence: Array, arrived: Array
) -> None:  # pragma: no cover - compiled
    for n in range(at.shape[0]):
        row, column = at[n, 0], at[n, 1]
        total = 0.0
        for i in range(x.shape[1]):
            value = sign[n] * w[column, i] * x[row, i]
            if value > 0:
                total += value
        if total > 0:
            scale = evidence[n] / total
            for i in range(x.shape[1]):
                value = sign[n] * w[column, i] * x[row, i]
                if value > 0:
                    arrived[row, i] += scale * value


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="cnnfix")


def _in_chunks(rows: int, work: Callable[[slice], Any]) -> list[Any]:
    """Run `work` on slices of the rows, on all processors where there is enough to do."""
    workers = min(os.cpu_count() or 1, max(1, rows // 64))
    if workers == 1:
        return [work(slice(0, rows))]
    # More chunks than workers, so that a slow processor holds nobody up.
    edges = np.linspace(0, rows, 4 * workers + 1).astype(int)
    return list(_pool().map(work, [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]))


def largest_products(
    x: Array, w: Array, geometry: Array, at: Array, sign: Array, k: int, floor: float = 0.0
) -> tuple[NDArray[np.int64], Array]:
    """The k largest products sign * weight * input of each output, largest first, of those above `floor`.

    x: (B, C, D, H, W) contiguous. w: (O, C / groups, kd, kh, kw) contiguous, of x's dtype.
    geometry: (4, 3) integers: stride, padding, dilation, and (1 if transposed, groups, 0).
    at: (N, 5) the outputs (batch, channel, z, y, x). sign: (N,).
    Returns (N, k) positions in the flattened input, -1 where there are fewer, and their products, 0 there.
    """
    index = np.full((len(at), k), -1, np.int64)
    product = np.full((len(at), k), floor, x.dtype)
    x_shape, w_shape = np.array(x.shape), np.array(w.shape)
    x_flat, w_flat, signs = x.reshape(-1), w.reshape(-1), sign.astype(x.dtype)

    def work(part: slice) -> None:
        _largest_products(
            x_flat, x_shape, w_flat, w_shape, geometry, at[part], signs[part], floor, index[part], product[part]
        )

    _in_chunks(len(at), work)
    return index, np.where(index >= 0, product, 0)


def strongest_channel(
    x: Array, w: Array, geometry: Array, at: Array, sign: Array, location: int
) -> tuple[NDArray[np.int64], Array]:
    """The channel with the largest sum of products over each output's window, and a place in it.

    Arguments as for `largest_products`; location: CENTRE, PRODUCT (largest there) or ACTIVATION (largest there).
    Returns (N,) positions in the flattened input, -1 where the place is in the padding, and the weights there.
    """
    index = np.full(len(at), -1, np.int64)
    weight = np.zeros(len(at), x.dtype)
    x_shape, w_shape = np.array(x.shape), np.array(w.shape)
    x_flat, w_flat, signs = x.reshape(-1), w.reshape(-1), sign.astype(x.dtype)

    def work(part: slice) -> None:
        _strongest_channel(
            x_flat, x_shape, w_flat, w_shape, geometry, at[part], signs[part], location, index[part], weight[part]
        )

    _in_chunks(len(at), work)
    return index, weight


def share_rows(x: Array, w: Array, at: Array, sign: Array, evidence: Array) -> NDArray[np.float64]:
    """Evidence that arrives when each output of a matrix product shares its own among all positive contributions.

    x: (M, K), w: (O, K), at: (N, 2) outputs (row, column), sign and evidence: (N,). Returns (M, K).
    """
    signs = sign.astype(x.dtype)

    def work(part: slice) -> NDArray[np.float64]:
        arrived = np.zeros(x.shape)
        _share_rows(x, w, at[part], signs[part], evidence[part], arrived)
        return arrived

    return np.sum(_in_chunks(len(at), work), axis=0)  # type: ignore[no-any-return]
