"""Convolutions and average pooling: the elements in a window, times a filter, summed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from cnnfix_core.arrays import Ints
from cnnfix_core.backtrack.decisions.explainers.parts import Part, numbers
from cnnfix_core.backtrack.decisions.explainers.registry import Account, ElementQuery, explains
from cnnfix_core.backtrack.decisions.explainers.window import Axis, Window, taps, transposed_taps
from cnnfix_core.backtrack.decisions.sentences import by_channel, pooled, weighted
from cnnfix_core.engine import as_array
from cnnfix_core.engine.rules.convolution import convolution
from cnnfix_core.engine.rules.pooling import avg_pool


@explains(convolution)
def through_filter(asked: ElementQuery) -> Account:
    """Convolutions of one to three dimensions, transposed or not."""
    x, weight, bias, stride, padding, dilation, transposed, _, groups = asked.operation.args[:9]
    dims = len(weight.shape) - 2
    *items, channel = asked.position[:-dims]
    see = transposed_taps if transposed else taps
    sizes = asked.position[-dims:], weight.shape[2:], stride, padding, dilation, x.shape[-dims:]
    axes = tuple(see(*of_axis) for of_axis in zip(*sizes, strict=True))
    inputs = x.shape[-dims - 1]
    filters = asked.output.shape[-dims - 1] // groups
    group = channel // filters
    own = group * (inputs // groups) + np.arange(inputs // groups)
    # Transposed kernels are (inputs, outputs / groups, ...), plain ones (outputs, inputs / groups, ...).
    data = weight.data[torch.from_numpy(own), channel % filters] if transposed else weight.data[channel]
    kernel = as_array(data).astype(np.float64)[np.ix_(np.arange(len(own)), *(axis.taps for axis in axes))]
    window = Window(x, own + (items[0] * inputs if items else 0), axes, kernel)
    part = window.part()
    added = None if bias is None else float(numbers(bias, np.array([channel]))[0])
    location = "joint" if asked.preset.location == "joint" else asked.structure.location(asked.operation, asked.preset)
    words = weighted("the weight ") if location == "joint" else by_channel(*_strongest(asked, window, part), location)
    return Account("window", (part,), words, added, window)


def _strongest(asked: ElementQuery, window: Window, part: Part) -> tuple[int, int, float]:
    """The number of channels in the window, which one is followed, and the sum of its products."""
    sums = part.products.reshape(len(window.planes), -1).sum(axis=1)
    channels = asked.operation.args[0].shape[-len(window.axes) - 1]
    plane = int((asked.sign * sums).argmax())
    if asked.followed:
        area = int(np.prod(window.value.shape[-len(window.axes) :]))
        plane = int(np.flatnonzero(window.planes == asked.followed[0].index[0] // area)[0])
    return len(sums), int(window.planes[plane] % channels), float(sums[plane])


@explains(avg_pool)
def averaged(asked: ElementQuery) -> Account:
    """Average pooling: all places of a window have the same weight."""
    x, window, *rest = asked.operation.args
    defaults: tuple[Any, ...] = ([], 0, False, True, None)
    stride, padding, _, counts_padding, divisor = *rest, *defaults[len(rest) :]
    dims = len(window)
    places = asked.position[-dims:]
    steps, borders = np.broadcast_to(stride or window, dims), np.broadcast_to(padding, dims)
    sizes = x.shape[-dims:]
    axes = tuple(
        taps(place, kernel, int(stride), int(border), 1, size)
        for place, kernel, stride, border, size in zip(places, window, steps, borders, sizes, strict=True)
    )
    counts = _counted(axes, borders, bool(counts_padding))
    coefficients = np.full((1, *window), 1 / (divisor or counts))
    seen = Window(x, plane_of(asked, dims), axes, coefficients)
    return Account("window", (seen.part(),), pooled, window=seen)


def _counted(axes: Sequence[Axis], padding: Any, counts_padding: bool) -> int:
    """The number of places that an average is divided by; places beyond the padding never count."""
    if not counts_padding:
        return int(np.prod([len(axis.inside) for axis in axes]))
    return int(np.prod([np.sum(axis.places < axis.size + border) for axis, border in zip(axes, padding, strict=True)]))


def plane_of(asked: ElementQuery, dims: int) -> Ints:
    """(1,) index of the element's map, counted over batch and channels: pooling and resizing stay inside it."""
    return np.array([asked.index // int(np.prod(asked.output.shape[-dims:]))])
