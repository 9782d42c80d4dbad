"""The inner loops: which inputs contributed to an output of a linear form. Compiled by Numba, run on several threads.

Every linear form with windows is treated as a convolution of a contiguous (batch, channel, depth, height, width) input:
missing dimensions have size 1, a matrix product is a 1 x 1 convolution, average pooling a depthwise convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from cnnfix_core.engine.jit import compiled
from cnnfix_core.engine.parallel import in_parts
from cnnfix_core.engine.sparse import sorted_order

Array = NDArray[Any]
Result = TypeVar("Result")
Shape = tuple[int, int, int, int, int]
Geometry = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]

CENTRE, PRODUCT, ACTIVATION = range(3)
# Computing this many products takes longer than handing them to a thread.
_WORTH_A_THREAD = 1 << 17


class Form(NamedTuple):
    """A linear form with windows.

    x: (B, C, D, H, W), the input. w: (O, C / groups, d, h, w), the kernel, with x's dtype. Both contiguous.
    geometry: stride, padding and dilation, for depth, height and width each, and (1 if transposed, groups, 0).
    """

    x: Array
    w: Array
    geometry: Geometry


class Outputs(NamedTuple):
    """The outputs to walk back from.

    at: (N, 5), batch, channel, z, y, x. sign: (N,), with the form's dtype. window: (N,), the number of each output's
    window; outputs that see the same inputs share it.
    """

    at: NDArray[np.int64]
    sign: Array
    window: NDArray[np.int64]


@compiled
def _look(
    x: Array, x_shape: Shape, w_shape: Shape, geometry: Geometry, row: Array, place: Array, window: Array
) -> int:  # pragma: no cover - compiled
    """Copy an output's window to the layout of its filter: window[c * taps + t], 0 outside the input.

    place: filled with each tap's position in a channel, -1 outside. Returns where in x the first channel starts.
    """
    _, _, depth, height, width = x_shape
    _, channels, tall, down, across = w_shape
    area, taps = depth * height * width, tall * down * across
    t = 0
    for kz in range(tall):
        z = input_position(row[2], kz, geometry, 0, depth)
        for ky in range(down):
            y = input_position(row[3], ky, geometry, 1, height)
            for kx in range(across):
                x_ = input_position(row[4], kx, geometry, 2, width)
                place[t] = (z * height + y) * width + x_ if z >= 0 and y >= 0 and x_ >= 0 else -1
                t += 1
    group = row[1] // (w_shape[0] // geometry[3][1])
    start: int = (row[0] * x_shape[1] + group * channels) * area
    i = 0
    for c in range(channels):
        for t in range(taps):
            window[i] = x[start + c * area + place[t]] if place[t] >= 0 else 0
            i += 1
    return start


@compiled
def input_position(
    output: int, tap: int, geometry: Geometry, axis: int, size: int
) -> int:  # pragma: no cover - compiled
    """The position of a window's tap in the input; -1 if it is outside, or if a transposed convolution skips it."""
    stride, padding, dilation = geometry[0][axis], geometry[1][axis], geometry[2][axis]
    position: int
    if geometry[3][0] == 0:
        position = output * stride - padding + tap * dilation
    else:
        position = output + padding - tap * dilation
        position = position // stride if position % stride == 0 else -1
    return position if position < size else -1


@compiled
def _strongest_channel(
    form: Form, outputs: Outputs, rows: Array, location: int, index: Array, weight: Array
) -> None:  # pragma: no cover - compiled
    x, w = form.x.reshape(-1), form.w.reshape(form.w.shape[0], -1)
    _, channels, tall, down, across = form.w.shape
    taps, area = tall * down * across, form.x.shape[2] * form.x.shape[3] * form.x.shape[4]
    place, window = np.empty(taps, np.int64), np.empty(w.shape[1], x.dtype)
    middle = ((tall - 1) // 2 * down + (down - 1) // 2) * across + (across - 1) // 2
    start, seen = 0, -1
    at, sign, windows = outputs
    for n in rows:
        if windows[n] != seen:
            start = _look(x, form.x.shape, form.w.shape, form.geometry, at[n], place, window)
            seen = windows[n]
        weights = w[at[n, 1]]
        best_channel = 0
        best_sum = -np.inf
        for c in range(channels):
            total = 0.0
            for i in range(c * taps, (c + 1) * taps):
                total += weights[i] * window[i]
            if sign[n] * total > best_sum:
                best_sum = sign[n] * total
                best_channel = c
        first = best_channel * taps
        chosen = _place(window[first : first + taps], weights[first : first + taps], sign[n], location, middle, place)
        if chosen >= 0:
            index[n] = start + best_channel * area + place[chosen]
            weight[n] = weights[first + chosen]


@compiled
def _place(
    x: Array, w: Array, sign: float, location: int, middle: int, place: Array
) -> int:  # pragma: no cover - compiled
    """The tap in one channel's window that the location selects; -1 if it is outside the input."""
    chosen = -1
    best = -np.inf
    for t in range(len(place)):
        if location == CENTRE:
            value = 1.0 if t == middle else -np.inf
        elif location == PRODUCT:
            value = sign * w[t] * x[t]
        else:
            value = x[t]
        if place[t] >= 0 and value > best:
            best = value
            chosen = t
    return chosen


@compiled
def _windows(form: Form, at: Array) -> NDArray[np.int64]:  # pragma: no cover - compiled
    """A number for each output; outputs that see the same inputs share it."""
    down, across = at[:, 3].max() + 1, at[:, 4].max() + 1
    groups, deep = form.geometry[3][1], at[:, 2].max() + 1
    filters = form.w.shape[0] // groups
    keys = np.empty(len(at), np.int64)
    for n in range(len(at)):
        group = at[n, 0] * groups + at[n, 1] // filters
        keys[n] = ((group * deep + at[n, 2]) * down + at[n, 3]) * across + at[n, 4]
    return keys


@compiled
def _contributions(weights: Array, values: Array, sign: float, into: Array) -> float:  # pragma: no cover - compiled
    """Store each input's contribution, 0 if it is negative, and return the sum."""
    for i in range(len(values)):
        value = sign * weights[i] * values[i]
        into[i] = value if value > 0 else 0
    total = 0.0  # in a loop of its own, so that the loop above is vectorised
    for value in into:
        total += value
    return total


@compiled
def _share_rows(
    x: Array, w: Array, at: Array, sign: Array, evidence: Array, arrived: Array
) -> None:  # pragma: no cover - compiled
    given = np.empty(x.shape[1], x.dtype)
    for n in range(at.shape[0]):
        row, column = at[n, 0], at[n, 1]
        total = _contributions(w[column], x[row], sign[n], given)
        if total > 0:
            scale, here = evidence[n] / total, arrived[row]
            for i in range(len(given)):
                here[i] += scale * given[i]


@compiled
def _share_of(
    x: Array, w: Array, at: Array, sign: Array, part: Array, rows: Array, share: Array
) -> None:  # pragma: no cover - compiled
    given = np.empty(x.shape[1], x.dtype)
    for n in rows:
        row, column = at[n, 0], at[n, 1]
        total = _contributions(w[column], x[row], sign[n], given)
        parts, of_part = part[row], 0.0
        for i in range(len(given)):
            of_part += given[i] * parts[i]
        if total > 0:
            share[n] = of_part / total


@compiled
def _largest_shares(
    x: Array, w: Array, at: Array, sign: Array, evidence: Array, rows: Array
) -> tuple[Array, Array]:  # pragma: no cover - compiled
    giver, most = np.full(x.shape, -1), np.zeros(x.shape)
    given = np.empty(x.shape[1], x.dtype)
    for n in rows:
        row, column = at[n, 0], at[n, 1]
        total = _contributions(w[column], x[row], sign[n], given)
        scale = evidence[n] / total if total > 0 else 0.0
        givers, largest = giver[row], most[row]
        for i in range(len(given)):
            share = scale * given[i]
            if share > largest[i]:
                givers[i], largest[i] = n, share
    return giver, most


def _in_chunks(rows: NDArray[np.int64], each: int, work: Callable[[NDArray[np.int64]], Result]) -> list[Result]:
    """Run `work` on parts of the rows, on several threads if it is worth it; each: the number of products per row."""
    # More chunks than threads, so that a slow thread does not delay the others.
    chunks = np.array_split(rows, max(1, min(4 * torch.get_num_threads(), len(rows) * each // _WORTH_A_THREAD)))
    return in_parts(lambda part: work(chunks[part]), len(chunks))


def _outputs(form: Form, at: Array, sign: Array) -> Outputs:
    # Always in the same memory layout, so that a kernel is compiled once: while one thread compiles it for a second
    # layout, another may be given the machine code of the first, and read the wrong numbers.
    at = np.ascontiguousarray(at)
    return Outputs(at, sign.astype(form.x.dtype), _windows(form, at))


def strongest_channel(form: Form, at: Array, sign: Array, location: int) -> tuple[NDArray[np.int64], Array]:
    """The channel with the largest sum of products over each output's window, and a place in it.

    at: (N, 5) the outputs (batch, channel, z, y, x). sign: (N,).
    location: CENTRE, PRODUCT (the largest in the channel) or ACTIVATION (the largest in the channel).
    Returns (N,) positions in the flattened input, -1 if the place is in the padding, and the weights there.
    """
    index = np.full(len(at), -1, np.int64)
    weight = np.zeros(len(at), form.x.dtype)
    outputs = _outputs(form, at, sign)

    def work(rows: NDArray[np.int64]) -> None:
        _strongest_channel(form, outputs, rows, location, index, weight)

    _in_chunks(sorted_order(outputs.window), form.w[0].size, work)
    return index, weight


def share_rows(x: Array, w: Array, at: Array, sign: Array, evidence: Array) -> NDArray[np.float64]:
    """The evidence that arrives when each output of a matrix product shares its own among all positive contributions.

    x: (M, K), w: (O, K), at: (N, 2) outputs (row, column), sign and evidence: (N,). Returns (M, K).
    """
    at, signs = np.ascontiguousarray(at), sign.astype(x.dtype)

    def work(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        arrived = np.zeros(x.shape)
        _share_rows(x, w, at[rows], signs[rows], evidence[rows], arrived)
        return arrived

    return np.sum(_in_chunks(np.arange(len(at)), x.shape[1], work), axis=0)  # type: ignore[no-any-return]


def share_of(x: Array, w: Array, at: Array, sign: Array, part: Array) -> NDArray[np.float64]:
    """The fraction of each output's evidence, shared as by `share_rows`, that goes to parts of the inputs: (N,).

    part: (M, K) fraction of each input's evidence to count, 0 to 1.
    """
    at, signs, share = np.ascontiguousarray(at), sign.astype(x.dtype), np.zeros(len(at))

    def work(rows: NDArray[np.int64]) -> None:
        _share_of(x, w, at, signs, part, rows, share)

    _in_chunks(np.arange(len(at)), x.shape[1], work)
    return share


def largest_shares(
    x: Array, w: Array, at: Array, sign: Array, evidence: Array
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The output that gives most to each input, sharing as in `share_rows`, the first on ties, and how much: (M, K).

    -1 and 0 for inputs that receive nothing.
    """
    at, signs = np.ascontiguousarray(at), sign.astype(x.dtype)

    def work(rows: NDArray[np.int64]) -> tuple[Array, Array]:
        return _largest_shares(x, w, at, signs, evidence, rows)

    (giver, given), *others = _in_chunks(np.arange(len(at)), x.shape[1], work)
    for later, more in others:
        np.copyto(giver, later, where=more > given)
        np.maximum(given, more, out=given)
    return giver, given
