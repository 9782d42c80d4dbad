"""Copying the windows of a form side by side, in the filters' layout. Addresses and numbers only: see `vectors`."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfix_core.engine.jit import compiled
from cnnfix_core.engine.vectors import copy_run, fill, number, put, transpose


@compiled
def quotient(a: int, b: int) -> int:  # pragma: no cover - compiled
    """The quotient of numbers below 2**32, which is faster than for longer ones."""
    return np.int64(np.uint32(a) // np.uint32(b))  # type: ignore[return-value]


@compiled
def copy_window(
    x: int,
    to: int,
    length: int,
    padded: int,
    channels: int,
    step: int,
    taps: int,
    run: int,
    offsets: int,
    kinds: Any,
    itemsize: int,
) -> None:  # pragma: no cover - compiled
    """Copy a window whose taps all lie inside; x: the address of its first channel, offsets: of its taps.

    run: how many taps lie side by side.
    """
    fill(to + length // 16 * 16 * itemsize, (padded - length // 16 * 16) // 16, kinds[2])
    if taps == 1:
        for c in range(channels):
            put(to, c, number(x, c * step, kinds[1]))
    elif run > 1:
        runs = quotient(taps, run)
        for c in range(channels):
            for r in range(runs - (c == channels - 1)):
                copy_run(to, x + number(offsets, r * run, 0) * itemsize, run, kinds[1])
                to += run * itemsize
            x += step * itemsize
        x += (number(offsets, taps - run, 0) - step) * itemsize
        for t in range(run):
            put(to, t, number(x, t, kinds[1]))
    else:
        for _ in range(channels):
            for t in range(taps):
                put(to, t, number(x, number(offsets, t, 0), kinds[1]))
            to += taps * itemsize
            x += step * itemsize


@compiled
def copy_border(
    x: int,
    to: int,
    length: int,
    padded: int,
    channels: int,
    step: int,
    taps: int,
    offsets: int,
    kinds: Any,
    itemsize: int,
) -> None:  # pragma: no cover - compiled
    """As `copy_window`, where some taps lie outside: their offsets are -1, and they count as 0."""
    fill(to + length // 16 * 16 * itemsize, (padded - length // 16 * 16) // 16, kinds[2])
    for t in range(taps):
        offset = number(offsets, t, 0)
        if offset >= 0:
            for c in range(channels):
                put(to, c * taps + t, number(x, offset + c * step, kinds[1]))
        else:
            for c in range(channels):
                put(to, c * taps + t, kinds[1])


@compiled
def copy_square(
    x: int, to: int, row: int, length: int, padded: int, channels: int, step: int, kinds: Any, itemsize: int
) -> None:  # pragma: no cover - compiled
    """Copy 16 windows of one place each that lie side by side; row: the bytes from one to the next."""
    for i in range(16):
        fill(to + i * row + length // 16 * 16 * itemsize, (padded - length // 16 * 16) // 16, kinds[2])
    for c in range(0, channels // 16 * 16, 16):
        transpose(to + c * itemsize, row, x + c * step * itemsize, step * itemsize, kinds[1])
    for i in range(16):
        for c in range(channels // 16 * 16, channels):
            put(to + i * row, c, number(x, c * step + i, kinds[1]))
