"""The largest products of each output of a linear form with windows: the inner loop of the walk.

Windows of neighbouring outputs are copied side by side once, in the filters' layout, into memory that stays in the
processor's cache. Outputs are processed by blocks of windows, and in each 16 at a time, one to a vector lane. The first
stage computes all products and stores only the largest of each 64 of an output. The second takes one product after
another: it looks for the largest block of each output, computes it again, and stores the largest of what is left there.

Every form is treated as a convolution of a (batch, channel, depth, height, width) input: missing dimensions have size
1, a matrix product is a 1 x 1 convolution, average pooling a depthwise convolution.
"""

from __future__ import annotations

import threading
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from cnnfix_core.engine.jit import compiled
from cnnfix_core.engine.kernels import Geometry, input_position
from cnnfix_core.engine.parallel import in_parts
from cnnfix_core.engine.positions import memory_and_steps
from cnnfix_core.engine.vectors import (
    BLOCK,
    block_maxima,
    choose,
    largest_of_rows,
    number,
    put,
    take,
)
from cnnfix_core.engine.window_copies import copy_border, copy_square, copy_window, quotient
from cnnfix_core.engine.windows_in_rows import filters_in_rows, in_rows, lanes_of_a_row

Array = NDArray[Any]

_WINDOWS_BYTES = 1 << 20  # of windows side by side: half of a common second-level cache


class Found(NamedTuple):
    """What was found: (N, k) positions in the flattened input or -1, products or 0, whether the input is negative."""

    at: Array
    product: Array
    negative: Array


# The loop of `_many` is long on purpose, and functions called in it take addresses and numbers: a call that passes
# arrays on costs a microsecond per output, because Numba counts references, and that is more than the products cost.


@compiled
def _by_block(
    index: Array, places: int, filters: int, per_group: int, groups: int, total: int, block: int, parts: int
) -> tuple[Array, Array, Array, Array, Array]:  # pragma: no cover - compiled
    """The outputs' order by their block of windows, each one's filter and window, where blocks begin, their windows.

    A block has at most `block` windows, and outputs for one of `parts` equal parts. Both lists have an end: how many
    outputs and windows there are. Positions ascend, so that in a block outputs come by filter.
    """
    size = len(index)
    filter_of, number_of, order = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    seen, block_of = np.zeros(total, np.int32), np.empty(total, np.int32)
    per_batch = places * filters
    for n in range(size):
        at = index[n]
        batch = quotient(at, per_batch) if at >= per_batch else 0
        at -= batch * per_batch
        filter_ = quotient(at, places)
        group = quotient(filter_, per_group) if groups > 1 else 0
        number = (batch * groups + group) * places + at - filter_ * places
        filter_of[n], number_of[n] = filter_, number
        seen[number] += 1
    most = total // block + parts + 2
    starts, firsts = np.zeros(most, np.int64), np.zeros(most, np.int64)
    b, outputs = 0, 0
    for v in range(total):
        if v - firsts[b] == block or (outputs - starts[b]) * parts >= max(1, size):
            b += 1
            firsts[b], starts[b] = v, outputs
        block_of[v] = b
        outputs += seen[v]
    starts, firsts = starts[: b + 2], firsts[: b + 2]
    starts[b + 1], firsts[b + 1] = size, total
    ends = starts.copy()
    for n in range(size):
        b = block_of[number_of[n]]
        order[ends[b]] = n
        ends[b] += 1
    return order, filter_of, number_of, starts, firsts


@compiled
def _many(
    x: Array,
    x_shape: Any,
    steps: Any,
    w: Array,
    w_shape: Any,
    geometry: Geometry,
    sizes: Any,
    order: Array,
    filter_of: Array,
    number_of: Array,
    starts: Array,
    firsts: Array,
    sign: Array,
    start: int,
    end: int,
    block: int,
    padded: int,
    k: int,
    kinds: Any,
    windows: Array,
    last_filters: Array,
    to: Array,
    product: Array,
    below: Array,
) -> None:  # pragma: no cover - compiled
    """Fill in, for blocks from `start` to `end`, rows of `to` (positions in the flattened x), `product` and `below`.

    below: whether the input is negative.
    """
    floor, zero, _ = kinds
    _, inputs, depth, height, width = x_shape
    filters, channels, tall, down, across = w_shape
    out_z, out_y, out_x = sizes
    strides, paddings, dilations, (transposed, groups, _) = geometry
    area, taps, places, step = depth * height * width, tall * down * across, out_z * out_y * out_x, steps[1]
    length, itemsize = channels * taps, x.itemsize
    blocks = padded // 64
    vector_bytes, row_bytes = 16 * itemsize, padded * itemsize
    # Of 16 outputs: the lanes of the block chosen last, and their largest; the largest of all; that of each block.
    memory = np.empty((blocks + 18) * 16 + 64 // itemsize, x.dtype)
    # Of each: where its filter and its window are, the window's number, where to look for equal products, the output.
    states = np.empty((5, 16), np.int64)
    signs, last_values, chosen = np.empty(16, x.dtype), np.empty(16, x.dtype), np.empty(16, np.int32)
    tables = np.empty((3, taps), np.int64)
    origins, wanted, rows = np.empty((block, 4), np.int64), np.empty(block, np.bool_), np.empty(block, np.int64)
    lanes_at, w_at, x_at = (memory.ctypes.data + 63) // 64 * 64, w.ctypes.data, x.ctypes.data
    left_at = lanes_at + 16 * vector_bytes
    value_at, maxima_at = left_at + vector_bytes, left_at + 2 * vector_bytes
    windows_at, last_filters_at = windows.ctypes.data, last_filters.ctypes.data
    filters_at, rows_of_at, locals_at = states.ctypes.data, states[1].ctypes.data, states[2].ctypes.data
    after_at, outputs_at, signs_at = states[3].ctypes.data, states[4].ctypes.data, signs.ctypes.data
    last_value_at, chosen_at, origin_at = last_values.ctypes.data, chosen.ctypes.data, origins.ctypes.data
    to_at, product_at, below_at = to.ctypes.data, product.ctypes.data, below.ctypes.data
    order_at, filter_at, number_at = order.ctypes.data, filter_of.ctypes.data, number_of.ctypes.data
    sign_at = sign.ctypes.data
    safe = filters - (len(last_filters) - 64) // length  # of the others, whole blocks can be read
    int32 = order[0]
    # Where a tap lies after a window's first: in the flattened x, in memory; and in memory for one window.
    relative_at, inside_at, offsets_at = tables.ctypes.data, tables[1].ctypes.data, tables[2].ctypes.data
    for t in range(taps):
        kz, ky, kx = t // (down * across) * dilations[0], t // across % down * dilations[1], t % across * dilations[2]
        tables[0, t] = (kz * height + ky) * width + kx
        tables[1, t] = kz * steps[2] + ky * steps[3] + kx * steps[4]
    reach_z, reach_y, reach_x = (tall - 1) * dilations[0], (down - 1) * dilations[1], (across - 1) * dilations[2]
    run = across if 1 < across <= 8 and steps[4] * dilations[2] == 1 else 1
    farthest = (channels - 1) * step + tables[1, taps - 1] + (8 if run > 1 else 1)
    # A window of one place, numbered like the places of the input, which lie side by side.
    side_by_side = (
        taps == 1
        and groups == 1
        and transposed == 0
        and places == area
        and channels >= 16
        and max(strides) == 1
        and max(paddings) == 0
        and steps[4] == 1
        and (height == 1 or steps[3] == width)
        and (depth == 1 or steps[2] == width * height)
    )
    direct = taps == 1 and step == 1 and transposed == 0 and length == padded
    rows_at = rows.ctypes.data
    for b in range(start, end):
        a, z, first = starts[b], starts[b + 1], firsts[b]
        wanted[:] = False
        lowest, last = block, 0
        for m in range(a, z):
            local = number_of[order[m]] - first
            wanted[local] = True
            lowest, last = min(lowest, local), max(last, local)
        local, ready = lowest, lowest
        while local <= last:
            if not wanted[local]:
                local += 1
                continue
            at = first + local
            plane = quotient(at, out_x)
            px = at - plane * out_x
            volume = quotient(plane, out_y)
            py, pz = plane - volume * out_y, 0
            image = volume
            if out_z > 1:
                image = quotient(volume, out_z)
                pz = volume - image * out_z
            batch, group = image, 0
            if groups > 1:
                batch = quotient(image, groups)
                group = image - batch * groups
            z0, y0, x0 = pz, py, px
            if transposed == 0:
                z0 = pz * strides[0] - paddings[0]
                y0 = py * strides[1] - paddings[1]
                x0 = px * strides[2] - paddings[2]
            origin = (batch * inputs + group * channels) * area
            base = batch * steps[0] + group * channels * step
            row = windows_at + local * row_bytes
            inside = (
                transposed == 0
                and z0 >= 0
                and y0 >= 0
                and x0 >= 0
                and z0 + reach_z < depth
                and y0 + reach_y < height
                and x0 + reach_x < width
            )
            if local < ready:
                origin += (z0 * height + y0) * width + x0
            elif inside:
                origin += (z0 * height + y0) * width + x0
                base += z0 * steps[2] + y0 * steps[3] + x0 * steps[4]
                beside = 0
                if side_by_side and local + 16 <= block and at - batch * places + 16 <= places:
                    for i in range(local, local + 16):
                        beside += wanted[i]
                from_ = x_at + base * itemsize
                if direct:
                    row = from_
                elif beside > 2:
                    ready = local + 16
                    copy_square(from_, row, row_bytes, length, padded, channels, step, kinds, itemsize)
                else:
                    run_here = run if base + farthest <= len(x) else 1
                    copy_window(from_, row, length, padded, channels, step, taps, run_here, inside_at, kinds, itemsize)
            else:
                t = 0
                for kz in range(tall):
                    z_ = input_position(pz, kz, geometry, 0, depth)
                    for ky in range(down):
                        y_ = input_position(py, ky, geometry, 1, height)
                        for kx in range(across):
                            x_ = input_position(px, kx, geometry, 2, width)
                            here = z_ >= 0 and y_ >= 0 and x_ >= 0
                            put(offsets_at, t, z_ * steps[2] + y_ * steps[3] + x_ * steps[4] if here else -1)
                            t += 1
                if transposed == 0:
                    origin += (z0 * height + y0) * width + x0
                from_ = x_at + base * itemsize
                copy_border(from_, row, length, padded, channels, step, taps, offsets_at, kinds, itemsize)
            origins[local, 0], origins[local, 1], origins[local, 2], origins[local, 3] = origin, z0, y0, x0
            rows[local] = row
            local += 1
        while a < z:
            now, positive = min(z - a, 16), True
            for m in range(16):
                n = np.int64(number(order_at, a + min(m, now - 1), int32))  # the last one again in lanes that are left
                local = np.int64(number(number_at, n, int32)) - first
                filter_ = np.int64(number(filter_at, n, int32))
                at = w_at + filter_ * length * itemsize
                if filter_ >= safe:
                    at = last_filters_at + (filter_ - safe) * length * itemsize
                direction = number(sign_at, n, floor)
                positive &= direction == 1
                put(filters_at, m, at)
                put(rows_of_at, m, number(rows_at, local, 0))
                put(locals_at, m, local)
                put(after_at, m, np.int64(0))
                put(outputs_at, m, n)
                put(signs_at, m, direction)
                put(last_value_at, m, floor)
                put(chosen_at, m, np.int32(-1))
            block_maxima(filters_at, rows_of_at, signs_at, positive, blocks, maxima_at, floor)
            for j in range(k):
                choose(maxima_at, blocks, value_at, chosen_at, left_at, floor)
                for m in range(now):
                    value = number(value_at, m, floor)
                    entry = number(outputs_at, m, 0) * k + j
                    if not value > floor:
                        put(to_at, entry, -1)
                        put(product_at, entry, zero)
                        put(below_at, entry, False)
                        put(chosen_at, m, np.int32(-1))
                        continue
                    i = number(chosen_at, m, int32) * 64
                    row = number(rows_of_at, m, 0)
                    # Of equal products the first is taken first.
                    after = number(after_at, m, 0) if value == number(last_value_at, m, floor) else 0
                    i += take(
                        number(filters_at, m, 0) + i * itemsize,
                        row + i * itemsize,
                        number(signs_at, m, floor),
                        value,
                        max(0, after - i),
                        lanes_at + m * vector_bytes,
                    )
                    put(after_at, m, i + 1)
                    put(last_value_at, m, value)
                    c, t = i, 0
                    if taps > 1:
                        c = quotient(i, taps)
                        t = i - c * taps
                    local = number(locals_at, m, 0)
                    place = number(origin_at, local * 4, 0) + c * area
                    if transposed == 0:
                        place += number(relative_at, t, 0)
                    else:
                        kz, ky, kx = t // (down * across), t // across % down, t % across
                        z_ = input_position(number(origin_at, local * 4 + 1, 0), kz, geometry, 0, depth)
                        y_ = input_position(number(origin_at, local * 4 + 2, 0), ky, geometry, 1, height)
                        x_ = input_position(number(origin_at, local * 4 + 3, 0), kx, geometry, 2, width)
                        place += (z_ * height + y_) * width + x_
                    put(to_at, entry, place)
                    put(product_at, entry, value)
                    put(below_at, entry, number(row, i, floor) < 0)
                largest_of_rows(lanes_at, left_at, floor)
            a += now
    # The addresses of these are used above: Numba must not free them before.
    memory[0], states[0, 0], signs[0], last_values[0], chosen[0] = 0, 0, 0, 0, 0
    tables[0, 0], origins[0, 0], rows[0] = 0, 0, 0


_local = threading.local()


def _window_memory(size: int, dtype: np.dtype[Any]) -> Array:
    """Memory for windows, kept per thread, because allocating it costs more than filling it.

    It starts where a line of the processor's cache does: else each vector would be read from two.
    """
    needed = size * dtype.itemsize
    kept = getattr(_local, "windows", None)
    if kept is None or kept.nbytes < needed:
        kept = np.empty(needed + 64, np.uint8)
        kept = _local.windows = kept[-kept.ctypes.data % 64 :]
    return kept[:needed].view(dtype)


def largest_products(
    x: Array,
    w: Array,
    geometry: Geometry,
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
    memory, steps = memory_and_steps(x)
    flat, length = w.reshape(-1), w[0].size
    shape, dtype = (len(index), k), x.dtype
    out = Found(np.empty(shape, np.int64), np.empty(shape, dtype), np.empty(shape, np.bool_))
    directions, places = sign.astype(dtype), (int(sizes[0]), int(sizes[1]), int(sizes[2]))
    # More parts than threads, so that a slow one holds nobody up; an output costs as much as about 600 products more.
    parts = max(1, min(2 * torch.get_num_threads(), len(index) * (length + 600) // 1_500_000))
    bounds = [len(index) * part // parts for part in range(parts + 1)]
    groups, filters = int(geometry[3][1]), w.shape[0]
    kinds = dtype.type(floor), dtype.type(0), dtype.type(np.nan)
    form = memory, x.shape, steps, flat, w.shape, geometry, places

    if lanes := lanes_of_a_row(w.shape, steps, geometry):
        rows = memory, x.shape, steps, filters_in_rows(w, lanes), w.shape, geometry, places

        def short(part: int) -> None:
            in_rows(*rows, index, directions, bounds[part], bounds[part + 1], k, kinds, lanes, *out)

        in_parts(short, parts)
        return out
    out_places = prod(places)
    padded = -(-length // BLOCK) * BLOCK
    total = x.shape[0] * groups * out_places
    block = max(1, min(total, _WINDOWS_BYTES // (padded * x.itemsize)))
    queue = _by_block(index, out_places, filters, filters // groups, groups, total, block, parts)
    bounds = np.searchsorted(queue[3], bounds).tolist()
    last = _last_filters(flat, length)

    def many(part: int) -> None:
        windows = _window_memory(block * padded, dtype)
        _many(*form, *queue, directions, bounds[part], bounds[part + 1], block, padded, k, kinds, windows, last, *out)

    in_parts(many, parts)
    return out


def _last_filters(flat: Array, length: int) -> Array:
    """A copy of the last filters with zeros behind them: of the others, a block of 64 can be read from any place."""
    count = min(flat.size // length, -(-BLOCK // length))
    last = np.zeros(count * length + BLOCK, flat.dtype)
    last[: count * length] = flat[flat.size - count * length :]
    return last
