"""The largest products of each output of a linear form with windows: the inner loop of the walk.

Windows of neighbouring outputs are copied side by side once, in the filters' layout, into memory that stays in the
processor's cache. Outputs are processed by blocks of windows. For each output, the first stage computes all products
and stores only the largest in each vector lane of each 64. The k-th largest over all lanes is at most the k-th largest
product, so the second stage computes again only the blocks of 64 that reach it.

Every form is treated as a convolution of a (batch, channel, depth, height, width) input: missing dimensions have size
1, a matrix product is a 1 x 1 convolution, average pooling a depthwise convolution.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cnnfix_core.engine.jit import compiled
from cnnfix_core.engine.kernels import input_position
from cnnfix_core.engine.parallel import in_parts
from cnnfix_core.engine.vectors import (
    BLOCK,
    any_reaches,
    block_maxima,
    bound_of_lanes,
    copy_lanes,
    larger_lanes,
    products_reach,
    trailing_zeros,
)

Array = NDArray[Any]

_WINDOWS_BYTES = 1 << 20  # of windows side by side: half of a common second-level cache
_FEW = 16  # products of an output, of which no vector is worth filling


class Found(NamedTuple):
    """What was found: (N, k) positions in the flattened input or -1, products or 0, whether the input is negative."""

    at: Array
    product: Array
    negative: Array


# The loops below are long on purpose: a call that passes arrays on costs a microsecond per output, because Numba counts
# references to them, and that is more than the products cost.


@compiled
def _by_block(
    index: Array, places: int, filters: int, per_group: int, groups: int, block: int, blocks: int
) -> tuple[Array, Array, Array]:  # pragma: no cover - compiled
    """The outputs' order by their block of windows, as they come inside one; each one's filter and window."""
    ends = np.zeros(blocks + 1, np.int64)
    size = len(index)
    filter_of, number_of, order = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    per_batch = places * filters
    for n in range(size):
        at = index[n]
        batch = at // per_batch if at >= per_batch else 0
        at -= batch * per_batch
        filter_ = at // places
        group = filter_ // per_group if groups > 1 else 0
        number = (batch * groups + group) * places + at - filter_ * places
        filter_of[n], number_of[n] = filter_, number
        if blocks > 1:
            ends[number // block + 1] += 1
    if blocks == 1:
        for n in range(size):
            order[n] = n
        return order, filter_of, number_of
    for b in range(blocks):
        ends[b + 1] += ends[b]
    for n in range(size):
        b = number_of[n] // block
        order[ends[b]] = n
        ends[b] += 1
    return order, filter_of, number_of


@compiled
def _few(
    x: Array,
    x_shape: Any,
    steps: Any,
    w: Array,
    w_shape: Any,
    geometry: Array,
    sizes: Any,
    index: Array,
    sign: Array,
    start: int,
    end: int,
    k: int,
    limits: Array,
    to: Array,
    product: Array,
    below: Array,
) -> None:  # pragma: no cover - compiled
    """As `_many`, for few products an output, which hardly ever see the same."""
    batches, inputs, depth, height, width = x_shape
    filters, channels, tall, down, across = w_shape
    out_z, out_y, out_x = sizes
    per_group = filters // geometry[3, 1]
    length = channels * tall * down * across
    floor = limits[0]
    best, where, lowest = np.empty(k, x.dtype), np.empty(k, np.int64), np.empty(k, np.bool_)
    for n in range(start, end):
        at = index[n]
        rest = at // out_x
        px = at - rest * out_x
        at = rest // out_y
        py = rest - at * out_y
        pz = 0
        if out_z > 1:
            rest = at // out_z
            pz = at - rest * out_z
            at = rest
        batch = at // filters
        filter_ = at - batch * filters
        direction, found = sign[n], 0
        first = filter_ // per_group * channels
        i = filter_ * length
        for c in range(first, first + channels):
            for kz in range(tall):
                z = input_position(pz, kz, geometry, 0, depth)
                for ky in range(down):
                    y = input_position(py, ky, geometry, 1, height)
                    if z < 0 or y < 0:
                        i += across
                        continue
                    row = batch * steps[0] + c * steps[1] + z * steps[2] + y * steps[3]
                    logical = (((batch * inputs + c) * depth + z) * height + y) * width
                    for kx in range(across):
                        x_ = input_position(px, kx, geometry, 2, width)
                        if x_ >= 0:
                            seen = x[row + x_ * steps[4]]
                            value = direction * w[i] * seen
                            if value > floor and (found < k or value > best[k - 1]):
                                j = found if found < k else k - 1
                                found = min(found + 1, k)
                                while j > 0 and best[j - 1] < value:
                                    best[j], where[j], lowest[j] = best[j - 1], where[j - 1], lowest[j - 1]
                                    j -= 1
                                best[j], where[j], lowest[j] = value, logical + x_, seen < 0
                        i += 1
        for j in range(found):
            to[n, j], product[n, j], below[n, j] = where[j], best[j], lowest[j]
        for j in range(found, k):
            to[n, j], product[n, j], below[n, j] = -1, 0, False


@compiled
def _gather(
    x: Array,
    x_shape: Any,
    steps: Any,
    w_shape: Any,
    geometry: Array,
    sizes: Any,
    number: int,
    windows: Array,
    start: int,
    padded: int,
    origins: Array,
    row: int,
    offsets: Array,
) -> None:  # pragma: no cover - compiled
    """Copy one window to windows[start:], as the filters lie; origin: where it begins (batch, channel; z, y, x)."""
    _, inputs, depth, height, width = x_shape
    _, channels, tall, down, across = w_shape
    out_z, out_y, out_x = sizes
    plane = number // out_x
    px = number - plane * out_x
    volume = plane // out_y
    py = plane - volume * out_y
    group_of_all = volume // out_z
    pz = volume - group_of_all * out_z
    groups = geometry[3, 1]
    batch = group_of_all // groups
    group = group_of_all - batch * groups
    first = (batch * inputs + group * channels) * depth * height * width
    if geometry[3, 0] == 0:
        first += ((pz * geometry[0, 0] - geometry[1, 0]) * height + py * geometry[0, 1] - geometry[1, 1]) * width
        first += px * geometry[0, 2] - geometry[1, 2]
    origins[row, 0], origins[row, 1], origins[row, 2], origins[row, 3] = first, pz, py, px
    taps, step = tall * down * across, steps[1]
    base = batch * steps[0] + group * channels * step
    t, inside = 0, True
    for kz in range(tall):
        z = input_position(pz, kz, geometry, 0, depth)
        for ky in range(down):
            y = input_position(py, ky, geometry, 1, height)
            for kx in range(across):
                x_ = input_position(px, kx, geometry, 2, width)
                here = z >= 0 and y >= 0 and x_ >= 0
                inside = inside and here
                offsets[t] = z * steps[2] + y * steps[3] + x_ * steps[4] if here else -1
                t += 1
    at = start
    if taps == 1:
        base += offsets[0]
        if not inside:
            for c in range(channels):
                windows[at + c] = 0
        elif step == 1:
            for c in range(channels):
                windows[at + c] = x[base + c]
        else:
            for c in range(channels):
                windows[at + c] = x[base + c * step]
    elif inside and taps == 9:
        o0, o1, o2, o3, o4, o5, o6, o7, o8 = (
            offsets[0],
            offsets[1],
            offsets[2],
            offsets[3],
            offsets[4],
            offsets[5],
            offsets[6],
            offsets[7],
            offsets[8],
        )
        for c in range(channels):
            windows[at], windows[at + 1], windows[at + 2] = x[base + o0], x[base + o1], x[base + o2]
            windows[at + 3], windows[at + 4], windows[at + 5] = x[base + o3], x[base + o4], x[base + o5]
            windows[at + 6], windows[at + 7], windows[at + 8] = x[base + o6], x[base + o7], x[base + o8]
            at += 9
            base += step
    elif inside:
        for c in range(channels):
            for t in range(taps):
                windows[at + t] = x[base + offsets[t]]
            at += taps
            base += step
    else:
        for c in range(channels):
            for t in range(taps):
                windows[at + t] = x[base + offsets[t]] if offsets[t] >= 0 else 0
            at += taps
            base += step
    for i in range(start + channels * taps, start + padded):
        windows[i] = 0


@compiled
def _many(
    x: Array,
    x_shape: Any,
    steps: Any,
    w: Array,
    w_shape: Any,
    geometry: Array,
    sizes: Any,
    order: Array,
    filter_of: Array,
    number_of: Array,
    sign: Array,
    start: int,
    end: int,
    block: int,
    k: int,
    limits: Array,
    windows: Array,
    to: Array,
    product: Array,
    below: Array,
) -> None:  # pragma: no cover - compiled
    """Fill in rows of `to` (positions in the flattened x), `product` and `below` (whether the input is negative)."""
    _, _, depth, height, width = x_shape
    _, channels, tall, down, across = w_shape
    area, taps = depth * height * width, tall * down * across
    tiniest, low = limits[1], limits[2]
    length = channels * taps
    full, rest = length // 64, length % 64
    padded = (full + (rest > 0)) * 64
    itemsize = x.itemsize
    each = (full + 2) * 16  # of an output: each block's lanes, those of all, those of the rest
    batch = max(1, min(32, 8192 // each))
    highest, bounds = np.empty(each * batch, x.dtype), np.empty(batch, x.dtype)
    tail_now, reaching = np.zeros(64, x.dtype), np.empty(full + 1, np.int64)
    tnp = tail_now.ctypes.data
    tail, tail_highest = np.zeros(64, x.dtype), np.empty(32, x.dtype)
    hp, tp, thp = highest.ctypes.data, tail.ctypes.data, tail_highest.ctypes.data
    w_at, windows_at = w.ctypes.data, windows.ctypes.data
    offsets, tap_place = np.empty(taps, np.int64), np.empty(taps, np.int64)
    transposed = geometry[3, 0] != 0
    for t in range(taps):
        kz, ky, kx = t // (down * across), t // across % down, t % across
        tap_place[t] = (kz * geometry[2, 0] * height + ky * geometry[2, 1]) * width + kx * geometry[2, 2]
    slot, origins = np.empty(block, np.int32), np.empty((block, 4), np.int64)
    best, where = np.empty(k, x.dtype), np.empty(k, np.int64)
    values, hits = np.empty(padded, x.dtype), np.empty(padded, np.int64)
    last_filter = -1
    a = start
    while a < end:
        now = number_of[order[a]] // block
        first = now * block
        slot[:] = -1
        z = a
        while z < end and number_of[order[z]] < first + block:
            slot[number_of[order[z]] - first] = 0
            z += 1
        used = 0
        for local in range(block):
            if slot[local] == 0:
                slot[local] = used
                _gather(
                    x,
                    x_shape,
                    steps,
                    w_shape,
                    geometry,
                    sizes,
                    first + local,
                    windows,
                    used * padded,
                    padded,
                    origins,
                    used,
                    offsets,
                )
                used += 1
        while a < z:
            together = min(z - a, batch)
            for m in range(together):
                n = order[a + m]
                row = slot[number_of[n] - first]
                w_first = filter_of[n] * length
                direction = sign[n]
                wp, xp = w_at + w_first * itemsize, windows_at + row * padded * itemsize
                mine = hp + m * each * itemsize
                block_maxima(wp, xp, full, direction, mine)
                if rest:
                    if filter_of[n] != last_filter:
                        for i in range(rest):
                            tail[i] = w[w_first + full * 64 + i]
                        last_filter = filter_of[n]
                    block_maxima(tp, xp + full * 64 * itemsize, 1, direction, thp)
                    larger_lanes(mine + full * 16 * itemsize, thp + 16 * itemsize, direction)
                    copy_lanes(mine + (full + 1) * 16 * itemsize, thp, direction)
                bounds[m] = bound_of_lanes(mine + full * 16 * itemsize, k, tiniest) if k <= 8 else tiniest
            for m in range(together):
                n = order[a + m]
                row = slot[number_of[n] - first]
                seen_at, w_first = row * padded, filter_of[n] * length
                direction, count, least = sign[n], 0, bounds[m]
                wp, xp = w_at + w_first * itemsize, windows_at + seen_at * itemsize
                mine = hp + m * each * itemsize
                for b in range(full):
                    reaching[count] = b
                    count += any_reaches(mine + b * 16 * itemsize, least) != 0
                reaching_blocks, count = count, 0
                for h in range(reaching_blocks):
                    b = reaching[h]
                    bits = products_reach(wp + b * 64 * itemsize, xp + b * 64 * itemsize, direction, least)
                    while bits != 0:
                        hits[count] = b * 64 + trailing_zeros(bits)
                        bits &= bits - np.uint64(1)
                        count += 1
                if rest and any_reaches(mine + (full + 1) * 16 * itemsize, least) != 0:
                    for i in range(rest):
                        tail_now[i] = w[w_first + full * 64 + i]
                    bits = products_reach(tnp, xp + full * 64 * itemsize, direction, least)
                    bits &= (np.uint64(1) << np.uint64(rest)) - np.uint64(1)
                    while bits != 0:
                        hits[count] = full * 64 + trailing_zeros(bits)
                        bits &= bits - np.uint64(1)
                        count += 1
                for h in range(count):
                    values[h] = direction * w[w_first + hits[h]] * windows[seen_at + hits[h]]
                found = min(count, k)
                for j in range(found):
                    largest, at = values[0], 0
                    for h in range(1, count):
                        larger = values[h] > largest
                        largest = values[h] if larger else largest
                        at = h if larger else at
                    best[j], where[j] = largest, hits[at]
                    values[at] = low
                for j in range(found):
                    i = where[j]
                    product[n, j] = best[j]
                    below[n, j] = windows[seen_at + i] < 0
                    c, t = i, 0
                    if taps > 1:
                        c = np.int64(np.uint32(i) // np.uint32(taps))
                        t = i - c * taps
                    if transposed:
                        to[n, j] = (
                            origins[row, 0]
                            + c * area
                            + _place(
                                t // (down * across), t // across % down, t % across, origins, row, geometry, x_shape
                            )
                        )
                    else:
                        to[n, j] = origins[row, 0] + c * area + tap_place[t]
                for j in range(found, k):
                    to[n, j], product[n, j], below[n, j] = -1, 0, False
            a += together
    highest[0], tail_highest[0], tail[0], tail_now[0] = (
        0,
        0,
        0,
        0,
    )  # their addresses are used above: Numba must not free them before


@compiled
def _place(
    kz: int, ky: int, kx: int, origins: Array, row: int, geometry: Array, x_shape: Any
) -> int:  # pragma: no cover - compiled
    _, _, depth, height, width = x_shape
    z = input_position(origins[row, 1], kz, geometry, 0, depth)
    y = input_position(origins[row, 2], ky, geometry, 1, height)
    place: int = (z * height + y) * width + input_position(origins[row, 3], kx, geometry, 2, width)
    return place


_local = threading.local()


def _window_memory(size: int, dtype: np.dtype[Any]) -> Array:
    """Memory for windows, kept per thread, because allocating it costs more than filling it."""
    needed = size * dtype.itemsize
    kept = getattr(_local, "windows", None)
    if kept is None or kept.nbytes < needed:
        kept = _local.windows = np.empty(needed, np.uint8)
    return kept[:needed].view(dtype)


def _memory_and_steps(x: Array) -> tuple[Array, tuple[int, ...]]:
    """The array's memory, flat, and its strides in elements; copied only if it has gaps."""
    axes = sorted(range(x.ndim), key=lambda axis: (-x.strides[axis], axis))
    if x.flags.c_contiguous or not x.transpose(axes).flags.c_contiguous:
        x, axes = np.ascontiguousarray(x), list(range(x.ndim))
    return x.transpose(axes).reshape(-1), tuple(step // x.itemsize for step in x.strides)


def largest_products(
    x: Array,
    w: Array,
    geometry: Array,
    sizes: tuple[int, ...],
    outputs: tuple[Array, Array],
    k: int,
    floor: float = 0.0,
) -> Found:
    """Find the k largest products sign * weight * input above `floor` for each output, largest first.

    x: (B, C, D, H, W), any strides. w: (O, C / groups, d, h, w), contiguous, with x's dtype. geometry: see `Form`.
    sizes: of the output, (D, H, W). outputs: (N,) positions in the flattened output (B, O, D, H, W), and (N,) signs.
    floor: may be negative only if no window extends beyond the input.
    """
    index, sign = np.ascontiguousarray(outputs[0]), outputs[1]  # see kernels._outputs
    memory, steps = _memory_and_steps(x)
    flat, length = w.reshape(-1), w[0].size
    shape, dtype = (len(index), k), x.dtype
    out = Found(np.empty(shape, np.int64), np.empty(shape, dtype), np.empty(shape, np.bool_))
    directions, places = sign.astype(dtype), (int(sizes[0]), int(sizes[1]), int(sizes[2]))
    limits = np.array([floor, np.nextafter(dtype.type(floor), dtype.type(np.inf)), -np.inf], dtype)
    # More parts than threads, so that a slow one holds nobody up; an output costs as much as about 600 products more.
    parts = max(1, min(2 * torch.get_num_threads(), len(index) * (length + 600) // 1_500_000))
    bounds = [len(index) * part // parts for part in range(parts + 1)]
    form = memory, x.shape, steps, flat, w.shape, geometry, places

    def few(part: int) -> None:
        _few(*form, index, directions, bounds[part], bounds[part + 1], k, limits, *out)

    if length < _FEW:
        in_parts(few, parts)
        return out
    padded, groups = -(-length // BLOCK) * BLOCK, int(geometry[3, 1])
    total = x.shape[0] * groups * int(np.prod(sizes))
    block = max(1, min(total, _WINDOWS_BYTES // (padded * x.itemsize)))
    filters = w.shape[0]
    queue = _by_block(index, int(np.prod(sizes)), filters, filters // groups, groups, block, -(-total // block))

    def many(part: int) -> None:
        windows = _window_memory(block * padded, dtype)
        _many(*form, *queue, directions, bounds[part], bounds[part + 1], block, k, limits, windows, *out)

    in_parts(many, parts)
    return out
