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
from cnnfix_core.engine.parallel import in_parts
from cnnfix_core.engine.vectors import (
    BLOCK,
    LANES,
    any_reaches,
    block_maxima,
    bound_of_lanes,
    copy_lanes,
    larger_lanes,
    products_reach,
    trailing_zeros,
)

Array = NDArray[Any]
Five = tuple[int, int, int, int, int]

_WINDOWS_BYTES = 1 << 20  # of windows side by side: half of a common second-level cache
_FEW = 16  # with fewer products per output, vectors are not worth it
_AT_ONCE = 32  # outputs that pass a stage together, so that their lanes stay in the first-level cache
_LANES_AT_ONCE = 8192
_BOUND_UP_TO = 8  # for more products than this, 16 lanes give no good bound


class Form(NamedTuple):
    """A linear form with windows.

    x: the input's memory, flat. steps, shape: strides in elements and sizes of the input (B, C, D, H, W).
    w: the kernel, flat. kernel: its shape (O, C / groups, d, h, w). sizes: of the output (D, H, W).
    geometry: (4, 3) integers: stride, padding, dilation, and (1 if transposed, groups, 0).
    """

    x: Array
    steps: Five
    shape: Five
    w: Array
    kernel: Five
    sizes: tuple[int, int, int]
    geometry: Array


class Outputs(NamedTuple):
    """The outputs to walk back from: (N,) positions in the flattened output, and +1 or -1 in the form's dtype."""

    at: Array
    sign: Array


class Queue(NamedTuple):
    """The outputs sorted by blocks of windows. filter, window: (N,) of each output. block: windows per block."""

    order: Array
    filter: Array
    window: Array
    block: int


class Found(NamedTuple):
    """The result: (N, k) positions in the flattened input or -1, products or 0, whether the input is negative."""

    at: Array
    product: Array
    negative: Array


class Scratch(NamedTuple):
    """Memory of one thread. The caller allocates it, because Numba frees its own arrays after their name's last use."""

    windows: Array  # a block of windows, each padded with zeros to full blocks of 64
    slot: Array  # the row of each window of the block in `windows`; -1: it is not needed
    origins: Array  # per window: its start in the flattened input, and its output's z, y, x
    offsets: Array  # per tap: its offset in the memory of a channel, -1: outside
    taps: Array  # per tap: its offset in the flattened input from the window's start
    highest: Array  # per output between the stages: lane maxima of each block, of all blocks, and of the tail
    bounds: Array
    tail: Array  # the rest of a filter after its full blocks, padded with zeros
    tail_highest: Array
    hits: Array
    values: Array
    reaching: Array


class Limits(NamedTuple):
    """The smallest product that counts, and how many to find per output."""

    least: Any
    k: int


@compiled
def _position(out: int, tap: int, geometry: Array, axis: int, size: int) -> int:  # pragma: no cover - compiled
    """The position of a window's tap in the input; -1 if it is outside, or if a transposed convolution skips it."""
    stride, padding, dilation = geometry[0, axis], geometry[1, axis], geometry[2, axis]
    if geometry[3, 0] == 0:
        position = out * stride - padding + tap * dilation
    else:
        position = out + padding - tap * dilation
        position = position // stride if position % stride == 0 else -1
    return position if position < size else -1


@compiled
def _insert(
    value: float, position: int, negative: bool, found: int, row: int, out: Found
) -> int:  # pragma: no cover - compiled
    """Insert a product among the largest of its output, earlier ones first on ties; returns how many there are."""
    k: int = out.product.shape[1]
    if found == k and value <= out.product[row, k - 1]:
        return found
    j = found if found < k else k - 1
    while j > 0 and out.product[row, j - 1] < value:
        out.product[row, j] = out.product[row, j - 1]
        out.at[row, j] = out.at[row, j - 1]
        out.negative[row, j] = out.negative[row, j - 1]
        j -= 1
    out.product[row, j], out.at[row, j], out.negative[row, j] = value, position, negative
    return min(found + 1, k)


@compiled
def _look_directly(
    form: Form, place: Five, sign: float, floor: float, row: int, out: Found
) -> int:  # pragma: no cover - compiled
    """Find one output's products without copying its window; returns how many are above the floor, at most k."""
    batch, filter_, pz, py, px = place
    filters, channels, tall, down, across = form.kernel
    _, inputs, depth, height, width = form.shape
    first = filter_ // (filters // form.geometry[3, 1]) * channels
    i, found = filter_ * channels * tall * down * across, 0
    for c in range(first, first + channels):
        for kz in range(tall):
            z = _position(pz, kz, form.geometry, 0, depth)
            for ky in range(down):
                y = _position(py, ky, form.geometry, 1, height)
                start = batch * form.steps[0] + c * form.steps[1] + z * form.steps[2] + y * form.steps[3]
                flat = (((batch * inputs + c) * depth + z) * height + y) * width
                for kx in range(across):
                    x = _position(px, kx, form.geometry, 2, width)
                    if z >= 0 and y >= 0 and x >= 0:
                        seen = form.x[start + x * form.steps[4]]
                        value = sign * form.w[i] * seen
                        if value > floor:
                            found = _insert(value, flat + x, seen < 0, found, row, out)
                    i += 1
    return found


@compiled
def _few(form: Form, outputs: Outputs, start: int, end: int, floor: float, out: Found) -> None:  # pragma: no cover
    """Forms with few products per output, such as depthwise convolutions, whose outputs rarely share a window."""
    deep, down, across = form.sizes
    filters = form.kernel[0]
    for n in range(start, end):
        at = outputs.at[n]
        at, px = at // across, at % across
        at, py = at // down, at % down
        at, pz = at // deep, at % deep
        place = (at // filters, at % filters, pz, py, px)
        found = _look_directly(form, place, outputs.sign[n], floor, n, out)
        for j in range(found, out.product.shape[1]):
            out.at[n, j], out.product[n, j], out.negative[n, j] = -1, 0, False


@compiled
def _queue(index: Array, form: Form, block: int) -> Queue:  # pragma: no cover - compiled
    """Number the outputs' windows, and sort the outputs by blocks of windows: a stable counting sort."""
    places = form.sizes[0] * form.sizes[1] * form.sizes[2]
    filters, groups = form.kernel[0], form.geometry[3, 1]
    size = len(index)
    filter_of, window_of, order = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32)
    ends = np.zeros(form.shape[0] * groups * places // block + 2, np.int64)
    for n in range(size):
        rest, at = index[n] // places, index[n] % places
        batch, filter_ = rest // filters, rest % filters
        filter_of[n] = filter_
        window_of[n] = (batch * groups + filter_ // (filters // groups)) * places + at
        ends[window_of[n] // block + 1] += 1
    for b in range(len(ends) - 1):
        ends[b + 1] += ends[b]
    for n in range(size):
        b = window_of[n] // block
        order[ends[b]] = n
        ends[b] += 1
    return Queue(order, filter_of, window_of, block)


@compiled
def _find_taps(form: Form, pz: int, py: int, px: int, offsets: Array) -> bool:  # pragma: no cover - compiled
    """Compute the offset of each tap in the memory of a channel; returns whether all are inside the input."""
    _, _, depth, height, width = form.shape
    _, _, tall, down, across = form.kernel
    t, inside = 0, True
    for kz in range(tall):
        z = _position(pz, kz, form.geometry, 0, depth)
        for ky in range(down):
            y = _position(py, ky, form.geometry, 1, height)
            for kx in range(across):
                x = _position(px, kx, form.geometry, 2, width)
                here = z >= 0 and y >= 0 and x >= 0
                inside = inside and here
                offsets[t] = z * form.steps[2] + y * form.steps[3] + x * form.steps[4] if here else -1
                t += 1
    return inside


@compiled
def _copy(
    x: Array, base: int, step: int, offsets: Array, inside: bool, into: Array, sizes: tuple[int, int, int]
) -> None:  # pragma: no cover - compiled
    """Copy a window in the filters' layout, 0 outside the input; sizes: (start in `into`, channels, taps)."""
    at, channels, taps = sizes
    if inside and taps == 1:
        base += offsets[0]
        for c in range(channels):
            into[at + c] = x[base + c * step]
    elif inside and taps == 9:  # unrolled, as most windows are 3 x 3: half the time of the loop below
        o = (offsets[0], offsets[1], offsets[2], offsets[3], offsets[4], offsets[5], offsets[6], offsets[7], offsets[8])
        for _ in range(channels):
            into[at], into[at + 1], into[at + 2] = x[base + o[0]], x[base + o[1]], x[base + o[2]]
            into[at + 3], into[at + 4], into[at + 5] = x[base + o[3]], x[base + o[4]], x[base + o[5]]
            into[at + 6], into[at + 7], into[at + 8] = x[base + o[6]], x[base + o[7]], x[base + o[8]]
            at += 9
            base += step
    else:
        for _ in range(channels):
            for t in range(taps):
                into[at + t] = x[base + offsets[t]] if offsets[t] >= 0 else 0
            at += taps
            base += step


@compiled
def _gather(form: Form, window: int, row: int, scratch: Scratch) -> None:  # pragma: no cover - compiled
    """Copy the window with this number to a row of `scratch.windows`, and store its origin."""
    _, inputs, depth, height, width = form.shape
    _, channels, tall, down, across = form.kernel
    deep, rows, columns = form.sizes
    geometry, groups, taps = form.geometry, form.geometry[3, 1], tall * down * across
    rest, px = window // columns, window % columns
    rest, py = rest // rows, rest % rows
    rest, pz = rest // deep, rest % deep
    batch, group = rest // groups, rest % groups
    first = (batch * inputs + group * channels) * depth * height * width
    if geometry[3, 0] == 0:
        first += ((pz * geometry[0, 0] - geometry[1, 0]) * height + py * geometry[0, 1] - geometry[1, 1]) * width
        first += px * geometry[0, 2] - geometry[1, 2]
    origins = scratch.origins
    origins[row, 0], origins[row, 1], origins[row, 2], origins[row, 3] = first, pz, py, px
    inside = _find_taps(form, pz, py, px, scratch.offsets)
    padded = _padded(channels * taps)
    base, start = batch * form.steps[0] + group * channels * form.steps[1], row * padded
    _copy(form.x, base, form.steps[1], scratch.offsets, inside, scratch.windows, (start, channels, taps))
    for i in range(start + channels * taps, start + padded):
        scratch.windows[i] = 0


@compiled
def _padded(length: int) -> int:  # pragma: no cover - compiled
    """The length rounded up to full blocks of 64."""
    return (length + BLOCK - 1) // BLOCK * BLOCK


@compiled
def _lay_out(form: Form, queue: Queue, start: int, end: int, scratch: Scratch) -> int:  # pragma: no cover - compiled
    """Copy all windows that the outputs from `start` on need in one block; returns where the block's outputs end."""
    first = queue.window[queue.order[start]] // queue.block * queue.block
    scratch.slot[:] = -1
    stop = start
    while stop < end and queue.window[queue.order[stop]] < first + queue.block:
        scratch.slot[queue.window[queue.order[stop]] - first] = 0
        stop += 1
    used = 0
    for local in range(queue.block):
        if scratch.slot[local] == 0:
            scratch.slot[local] = used
            _gather(form, first + local, used, scratch)
            used += 1
    return stop


@compiled
def _take_tail(form: Form, filter_: int, length: int, tail: Array) -> None:  # pragma: no cover - compiled
    """Copy the rest of a filter after its full blocks."""
    full = length // BLOCK * BLOCK
    for i in range(length - full):
        tail[i] = form.w[filter_ * length + full + i]


@compiled
def _bound(
    form: Form, filter_: int, sign: float, seen: int, lanes: int, limits: Limits, scratch: Scratch
) -> float:  # pragma: no cover - compiled
    """First stage: store the largest product of each lane of each block; returns a bound that k products reach.

    seen: start of the window. lanes: start of the output's lanes in `scratch.highest`.
    """
    length = form.w.shape[0] // form.kernel[0]
    full, size = length // BLOCK, form.x.itemsize
    highest = scratch.highest.ctypes.data + lanes * size
    weights, window = form.w.ctypes.data + filter_ * length * size, scratch.windows.ctypes.data + seen * size
    block_maxima(weights, window, full, sign, highest)
    if length % BLOCK:
        tail_highest = scratch.tail_highest.ctypes.data
        block_maxima(scratch.tail.ctypes.data, window + full * BLOCK * size, 1, sign, tail_highest)
        larger_lanes(highest + full * LANES * size, tail_highest + LANES * size, sign)
        copy_lanes(highest + (full + 1) * LANES * size, tail_highest, sign)
    bound: float = limits.least
    if limits.k <= _BOUND_UP_TO:
        bound = bound_of_lanes(highest + full * LANES * size, limits.k, limits.least)
    return bound


@compiled
def _noted(bits: np.uint64, first: int, count: int, hits: Array) -> int:  # pragma: no cover - compiled
    """Append the indices of the set bits to `hits`, counted from `first`; returns the new count."""
    while bits != 0:
        hits[count] = first + trailing_zeros(bits)
        bits &= bits - np.uint64(1)
        count += 1
    return count


@compiled
def _hits(
    form: Form, filter_: int, sign: float, seen: int, lanes: int, least: float, scratch: Scratch
) -> int:  # pragma: no cover - compiled
    """Second stage: store the products that reach the bound in `scratch.hits` and `.values`; returns how many."""
    length = form.w.shape[0] // form.kernel[0]
    full, rest, size = length // BLOCK, length % BLOCK, form.x.itemsize
    highest = scratch.highest.ctypes.data + lanes * size
    weights, window = form.w.ctypes.data + filter_ * length * size, scratch.windows.ctypes.data + seen * size
    reaching = 0  # without a branch, because which blocks reach it is hard to predict
    for b in range(full):
        scratch.reaching[reaching] = b
        reaching += any_reaches(highest + b * LANES * size, least) != 0
    count = 0
    for h in range(reaching):
        at = scratch.reaching[h] * BLOCK
        count = _noted(products_reach(weights + at * size, window + at * size, sign, least), at, count, scratch.hits)
    if rest and any_reaches(highest + (full + 1) * LANES * size, least) != 0:
        bits = products_reach(scratch.tail.ctypes.data, window + full * BLOCK * size, sign, least)
        bits &= (np.uint64(1) << np.uint64(rest)) - np.uint64(1)
        count = _noted(bits, full * BLOCK, count, scratch.hits)
    for h in range(count):
        i = scratch.hits[h]
        scratch.values[h] = sign * form.w[filter_ * length + i] * scratch.windows[seen + i]
    return count


@compiled
def _place(form: Form, row: int, i: int, scratch: Scratch) -> int:  # pragma: no cover - compiled
    """The position in the flattened input of a window's i-th element."""
    _, _, depth, height, width = form.shape
    _, _, tall, down, across = form.kernel
    taps = tall * down * across
    c, t = i // taps, i % taps
    position: int = scratch.origins[row, 0] + c * depth * height * width
    if form.geometry[3, 0] == 0:
        position += scratch.taps[t]
        return position
    z = _position(scratch.origins[row, 1], t // (down * across), form.geometry, 0, depth)
    y = _position(scratch.origins[row, 2], t // across % down, form.geometry, 1, height)
    x = _position(scratch.origins[row, 3], t % across, form.geometry, 2, width)
    return position + (z * height + y) * width + x


@compiled
def _choose(
    form: Form, n: int, row: int, seen: int, count: int, scratch: Scratch, out: Found
) -> None:  # pragma: no cover
    """Store the k largest of the products that reach the bound, the first on ties."""
    k = out.product.shape[1]
    found = min(count, k)
    for j in range(found):
        largest, at = scratch.values[0], 0
        for h in range(1, count):
            larger = scratch.values[h] > largest
            largest = scratch.values[h] if larger else largest
            at = h if larger else at
        i = scratch.hits[at]
        scratch.values[at] = -np.inf
        out.at[n, j], out.product[n, j] = _place(form, row, i, scratch), largest
        out.negative[n, j] = scratch.windows[seen + i] < 0
    for j in range(found, k):
        out.at[n, j], out.product[n, j], out.negative[n, j] = -1, 0, False


@compiled
def _many(
    form: Form, outputs: Outputs, queue: Queue, part: tuple[int, int], limits: Limits, scratch: Scratch, out: Found
) -> None:  # pragma: no cover - compiled
    """Process the outputs of one part of the queue."""
    length = form.w.shape[0] // form.kernel[0]
    padded, each = _padded(length), (length // BLOCK + 2) * LANES
    start, end = part
    last = -1
    while start < end:
        stop = _lay_out(form, queue, start, end, scratch)
        first = queue.window[queue.order[start]] // queue.block * queue.block
        while start < stop:
            together = min(stop - start, len(scratch.bounds))
            for stage in range(2):
                for m in range(together):
                    n = queue.order[start + m]
                    row = scratch.slot[queue.window[n] - first]
                    filter_, sign = queue.filter[n], outputs.sign[n]
                    if filter_ != last:
                        _take_tail(form, filter_, length, scratch.tail)
                        last = filter_
                    if stage == 0:
                        scratch.bounds[m] = _bound(form, filter_, sign, row * padded, m * each, limits, scratch)
                    else:
                        count = _hits(form, filter_, sign, row * padded, m * each, scratch.bounds[m], scratch)
                        _choose(form, n, row, row * padded, count, scratch, out)
            start += together


_local = threading.local()


def _window_memory(size: int, dtype: np.dtype[Any]) -> Array:
    """Memory for windows, kept per thread, because allocating it costs more than filling it."""
    needed = size * dtype.itemsize
    kept = getattr(_local, "windows", None)
    if kept is None or kept.nbytes < needed:
        kept = _local.windows = np.empty(needed, np.uint8)
    return kept[:needed].view(dtype)


def _scratch(form: Form, block: int) -> Scratch:
    length = form.w.shape[0] // form.kernel[0]
    _, _, _, height, width = form.shape
    _, _, tall, down, across = form.kernel
    padded, taps, dtype = -(-length // BLOCK) * BLOCK, tall * down * across, form.x.dtype
    each = (length // BLOCK + 2) * LANES
    together = max(1, min(_AT_ONCE, _LANES_AT_ONCE // each))
    z, y, x = np.unravel_index(np.arange(taps), (tall, down, across))
    dilation = form.geometry[2]
    return Scratch(
        windows=_window_memory(block * padded, dtype),
        slot=np.empty(block, np.int32),
        origins=np.empty((block, 4), np.int64),
        offsets=np.empty(taps, np.int64),
        taps=(z * dilation[0] * height + y * dilation[1]) * width + x * dilation[2],
        highest=np.empty(each * together, dtype),
        bounds=np.empty(together, dtype),
        tail=np.zeros(BLOCK, dtype),
        tail_highest=np.empty(2 * LANES, dtype),
        hits=np.empty(padded, np.int64),
        values=np.empty(padded, dtype),
        reaching=np.empty(length // BLOCK + 1, np.int64),
    )


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
    form = Form(memory, steps, x.shape, w.reshape(-1), w.shape, sizes, geometry)  # type: ignore[arg-type]
    asked = Outputs(index, sign.astype(x.dtype))
    shape, dtype = (len(index), k), x.dtype
    out = Found(np.empty(shape, np.int64), np.empty(shape, dtype), np.empty(shape, np.bool_))
    length = w[0].size
    # More parts than threads, so that a slow thread does not delay the others. An output costs about as much as 600
    # products on top of its own.
    parts = max(1, min(2 * torch.get_num_threads(), len(index) * (length + 600) // 1_500_000))
    bounds = [len(index) * part // parts for part in range(parts + 1)]
    if length < _FEW:
        in_parts(lambda part: _few(form, asked, bounds[part], bounds[part + 1], floor, out), parts)
        return out
    total = x.shape[0] * int(geometry[3, 1]) * int(np.prod(sizes))
    block = max(1, min(total, _WINDOWS_BYTES // (-(-length // BLOCK) * BLOCK * x.itemsize)))
    queue = _queue(index, form, block)
    limits = Limits(np.nextafter(dtype.type(floor), dtype.type(np.inf)), k)
    in_parts(
        lambda part: _many(form, asked, queue, (bounds[part], bounds[part + 1]), limits, _scratch(form, block), out),
        parts,
    )
    return out
