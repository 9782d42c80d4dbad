"""The inner loops: which inputs contributed to an output of a linear form. Compiled by Numba, run on several threads.

Every linear form with windows is seen as a convolution of a contiguous (batch, channel, depth, height, width) input:
fewer dimensions have size 1, a matrix product is a 1 x 1 convolution, an average pooling a depthwise one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, int, int, int, int]

CENTRE, PRODUCT, ACTIVATION = range(3)


class Form(NamedTuple):
    """A linear form with windows.

    x: (B, C, D, H, W), the input. w: (O, C / groups, d, h, w), the kernel, of x's dtype. Both contiguous.
    geometry: (4, 3) integers: stride, padding, dilation, and (1 if transposed, groups, 0).
    """

    x: Array
    w: Array
    geometry: NDArray[np.int64]


@njit(nogil=True, cache=True)
def _taps(
    row: Array, x_shape: Shape, w_shape: Shape, geometry: Array, place: Array, tap: Array
) -> int:  # pragma: no cover - compiled
    """List the window's positions inside the input: offset in a channel, and which of the kernel's places it is."""
    _, _, depth, height, width = x_shape
    _, _, tall, down, across = w_shape
    count = 0
    for kz in range(tall):
        z = _input_position(row[2], kz, geometry, 0)
        if z < 0 or z >= depth:
            continue
        for ky in range(down):
            y = _input_position(row[3], ky, geometry, 1)
            if y < 0 or y >= height:
                continue
            for kx in range(across):
                x = _input_position(row[4], kx, geometry, 2)
                if x < 0 or x >= width:
                    continue
                place[count] = (z * height + y) * width + x
                tap[count] = (kz * down + ky) * across + kx
                count += 1
    return count


@njit(nogil=True, cache=True)
def _input_position(output: int, tap: int, geometry: Array, axis: int) -> int:  # pragma: no cover - compiled
    """Where in the input a tap of the window lies; -1 where a transposed convolution has nothing."""
    stride, padding, dilation = geometry[0, axis], geometry[1, axis], geometry[2, axis]
    position: int
    if geometry[3, 0] == 0:
        position = output * stride - padding + tap * dilation
    else:
        position = output + padding - tap * dilation
        position = position // stride if position % stride == 0 else -1
    return position


@njit(nogil=True, cache=True)
def _first_channel(row: Array, x_shape: Shape, w_shape: Shape, groups: int) -> int:  # pragma: no cover - compiled
    """The first of the input's channels, counted through the batch, that an output sees."""
    first: int = row[0] * x_shape[1] + row[1] // (w_shape[0] // groups) * w_shape[1]
    return first


@njit(nogil=True, cache=True)
def _largest_products(
    form: Form, at: Array, sign: Array, floor: float, index: Array, product: Array
) -> None:  # pragma: no cover - compiled
    x, w, geometry = form.x.reshape(-1), form.w.reshape(-1), form.geometry
    x_shape, w_shape = form.x.shape, form.w.shape
    area = x_shape[2] * x_shape[3] * x_shape[4]
    taps = w_shape[2] * w_shape[3] * w_shape[4]
    place = np.empty(taps, np.int64)
    tap = np.empty(taps, np.int64)
    k = index.shape[1]
    for n in range(at.shape[0]):
        count = _taps(at[n], x_shape, w_shape, geometry, place, tap)
        first = _first_channel(at[n], x_shape, w_shape, geometry[3, 1])
        lowest = floor
        for c in range(w_shape[1]):
            start = (first + c) * area
            weights = (at[n, 1] * w_shape[1] + c) * taps
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


@njit(nogil=True, cache=True)
def _strongest_channel(
    form: Form, at: Array, sign: Array, location: int, index: Array, weight: Array
) -> None:  # pragma: no cover - compiled
    x, w, geometry = form.x.reshape(-1), form.w.reshape(-1), form.geometry
    x_shape, w_shape = form.x.shape, form.w.shape
    area = x_shape[2] * x_shape[3] * x_shape[4]
    taps = w_shape[2] * w_shape[3] * w_shape[4]
    place = np.empty(taps, np.int64)
    tap = np.empty(taps, np.int64)
    middle = ((w_shape[2] - 1) // 2 * w_shape[3] + (w_shape[3] - 1) // 2) * w_shape[4] + (w_shape[4] - 1) // 2
    for n in range(at.shape[0]):
        count = _taps(at[n], x_shape, w_shape, geometry, place, tap)
        first = _first_channel(at[n], x_shape, w_shape, geometry[3, 1])
        best_channel = 0
        best_sum = -np.inf
        for c in range(w_shape[1]):
            start = (first + c) * area
            weights = (at[n, 1] * w_shape[1] + c) * taps
            total = 0.0
            for t in range(count):
                total += w[weights + tap[t]] * x[start + place[t]]
            if sign[n] * total > best_sum:
                best_sum = sign[n] * total
                best_channel = c
        start = (first + best_channel) * area
        weights = (at[n, 1] * w_shape[1] + best_channel) * taps
        seen, coefficients = x[start : start + area], w[weights : weights + taps]
        chosen = _place(seen, coefficients, sign[n], location, middle, place[:count], tap)
        if chosen >= 0:
            index[n] = start + place[chosen]
            weight[n] = coefficients[tap[chosen]]


@njit(nogil=True, cache=True)
def _place(
    x: Array, w: Array, sign: float, location: int, middle: int, place: Array, tap: Array
) -> int:  # pragma: no cover - compiled
    """Which of the listed places in one channel the location means; -1 where none does.

    x, w: that channel of the input and of the kernel. middle: the kernel's central place.
    """
    chosen = -1
    best = -np.inf
    for t in range(len(place)):
        if location == CENTRE:
            value = 1.0 if tap[t] == middle else -np.inf
        elif location == PRODUCT:
            value = sign * w[tap[t]] * x[place[t]]
        else:
            value = x[place[t]]
        if value > best:
            best = value
            chosen = t
    return chosen


@njit(nogil=True, cache=True)
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
    return list(_pool().map(work, [slice(a, b) for a, b in pairwise(edges)]))


def largest_products(form: Form, at: Array, sign: Array, k: int, floor: float = 0.0) -> tuple[NDArray[np.int64], Array]:
    """The k largest products sign * weight * input of each output, largest first, of those above `floor`.

    at: (N, 5) the outputs (batch, channel, z, y, x). sign: (N,).
    Returns (N, k) positions in the flattened input, -1 where there are fewer, and their products, 0 there.
    """
    index = np.full((len(at), k), -1, np.int64)
    product = np.full((len(at), k), floor, form.x.dtype)
    signs = sign.astype(form.x.dtype)

    def work(part: slice) -> None:
        _largest_products(form, at[part], signs[part], floor, index[part], product[part])

    _in_chunks(len(at), work)
    return index, np.where(index >= 0, product, 0)


def strongest_channel(form: Form, at: Array, sign: Array, location: int) -> tuple[NDArray[np.int64], Array]:
    """The channel with the largest sum of products over each output's window, and a place in it.

    at: (N, 5) the outputs (batch, channel, z, y, x). sign: (N,).
    location: CENTRE, PRODUCT (largest there) or ACTIVATION (largest there).
    Returns (N,) positions in the flattened input, -1 where the place is in the padding, and the weights there.
    """
    index = np.full(len(at), -1, np.int64)
    weight = np.zeros(len(at), form.x.dtype)
    signs = sign.astype(form.x.dtype)

    def work(part: slice) -> None:
        _strongest_channel(form, at[part], signs[part], location, index[part], weight[part])

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
