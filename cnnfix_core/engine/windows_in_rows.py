"""The largest products of small windows: each row of a window goes to 4 or 8 lanes, and all stay in registers.

For depthwise convolutions, whose outputs each see a window of their own, and first layers with small filters.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine.jit import compiled
from cnnfix_core.engine.kernels import Geometry
from cnnfix_core.engine.vectors import BLOCK, LANES, copy_lanes, number, put, take_all

Array = NDArray[Any]

_TOGETHER = 32  # windows are copied before the first is read: the processor reads no vector of what it just wrote


@compiled
def in_rows(
    x: Array,
    x_shape: Any,
    steps: Any,
    filters: Array,
    w_shape: Any,
    geometry: Geometry,
    sizes: Any,
    index: Array,
    sign: Array,
    start: int,
    end: int,
    k: int,
    kinds: Any,
    lanes: int,
    to: Array,
    product: Array,
    below: Array,
) -> None:  # pragma: no cover - compiled
    """Fill in outputs from `start` to `end`: rows of `to` (positions in the flattened x), `product` and `below`.

    below: whether the input is negative. filters: see `filters_in_rows`. lanes: of a row, 4 or 8.
    """
    floor = kinds[0]
    _, inputs, depth, height, width = x_shape
    count, channels, tall, down, across = w_shape
    out_z, out_y, out_x = sizes
    (stride_z, stride_y, stride_x), (padding_z, padding_y, padding_x), (step_z, step_y, _), (_, groups, _) = geometry
    per_group, itemsize, size, wide = count // groups, x.itemsize, filters.shape[1], lanes == 8
    area, narrow = depth * height * width, filters.shape[1] == 16
    windows = np.full(_TOGETHER * size + 64 // itemsize, np.nan, x.dtype)
    state = np.empty((_TOGETHER, 2), np.int64)
    offsets = np.zeros(64, np.int64)
    for i in range(channels * tall * down * across):
        row, kx = i // across, i % across
        kz, ky = row // down % tall * step_z, row % down * step_y
        offsets[row * lanes + kx] = row // (tall * down) * area + (kz * height + ky) * width + kx
    x_at, windows_at, filters_at = x.ctypes.data, (windows.ctypes.data + 63) // 64 * 64, filters.ctypes.data
    offsets_at, state_at, index_at, sign_at = (
        offsets.ctypes.data,
        state.ctypes.data,
        index.ctypes.data,
        sign.ctypes.data,
    )
    to_at, product_at, below_at = to.ctypes.data, product.ctypes.data, below.ctypes.data
    for first in range(start, end, _TOGETHER):
        now = min(end - first, _TOGETHER)
        row = windows_at
        for m in range(now):
            at = number(index_at, first + m, np.int64(0))
            rest = at // out_x
            x0 = (at - rest * out_x) * stride_x - padding_x
            at = rest // out_y
            y0 = (rest - at * out_y) * stride_y - padding_y
            z0 = -padding_z
            if out_z > 1:
                rest = at // out_z
                z0 += (at - rest * out_z) * stride_z
                at = rest
            batch = at // count
            filter_ = at - batch * count
            channel = filter_ // per_group * channels
            low = min(max(0, -x0), across)
            high = max(low, min(across, width - x0))
            base = batch * steps[0] + channel * steps[1] + x0 * steps[4]
            row = windows_at + m * size * itemsize
            for _ in range(channels):
                z = z0
                for _ in range(tall):
                    y = y0
                    for _ in range(down):
                        inside = 0 <= z < depth and 0 <= y < height
                        from_ = x_at + (base + z * steps[2] + y * steps[3]) * itemsize
                        copy_lanes(row, from_, low, high if inside else low, wide, floor)
                        row += lanes * itemsize
                        y += step_y
                    z += step_z
                base += steps[1]
            put(state_at, 2 * m, filters_at + filter_ * size * itemsize)
            put(state_at, 2 * m + 1, (((batch * inputs + channel) * depth + z0) * height + y0) * width + x0)
        for m in range(now):
            n = first + m
            take_all(
                number(state_at, 2 * m, 0),
                windows_at + m * size * itemsize,
                number(sign_at, n, floor),
                floor,
                k,
                narrow,
                offsets_at,
                number(state_at, 2 * m + 1, 0),
                to_at + n * k * 8,
                product_at + n * k * itemsize,
                below_at + n * k,
            )
    # The addresses of these are used above: Numba must not free them before.
    windows[0], state[0, 0], offsets[0] = 0, 0, 0


def lanes_of_a_row(w_shape: tuple[int, ...], steps: tuple[int, ...], geometry: Geometry) -> int:
    """How many lanes each row of a window takes if the window fits into one block; 0 if it does not."""
    _, _, dilations, (transposed, *_) = geometry
    across, rows = w_shape[4], prod(w_shape[1:4])
    lanes = 4 if across <= 4 else 8
    fits = across <= 8 and rows * lanes <= BLOCK and (across == 1 or steps[4] * dilations[2] == 1)
    return lanes if fits and not transposed else 0


def filters_in_rows(w: Array, lanes: int) -> Array:
    """(filters, 16 or 64) each filter's rows in 4 or 8 lanes each, with zeros in the others."""
    rows, across = prod(w.shape[1:4]), w.shape[4]
    size = LANES if rows * lanes <= LANES else BLOCK
    filters = np.zeros((len(w), size // lanes, lanes), w.dtype)
    filters[:, :rows, :across] = w.reshape(len(w), rows, across)
    return filters.reshape(len(w), size)
