"""Convolutions of one to three dimensions, with groups, stride, padding and dilation, transposed or not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine import kernels, sparse
from cnnfix_core.engine.presets import Location
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.rules.sharing import turned
from cnnfix_core.engine.tape import Value
from cnnfix_core.engine.window_products import largest_products

_LOCATIONS = {"centre": kernels.CENTRE, "product": kernels.PRODUCT, "activation": kernels.ACTIVATION}


# Modules made by torch.jit.trace call the second.
@rule("aten.convolution", "aten._convolution", args=(0, 1))
def convolution(question: Question) -> Iterable[Arrival]:
    """The inputs in each output's window, weighted by the filter; transposed kernels are rearranged first."""
    x, weight, _, stride, padding, dilation, transposed, _, groups = question.operation.args[:9]
    kernel = weight.array()
    if transposed:
        # (C, O / groups, ...) to (O, C / groups, ...), the layout of a convolution.
        split = kernel.reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2)
        kernel = np.ascontiguousarray(split).reshape(-1, kernel.shape[0] // groups, *kernel.shape[2:])
    geometry = window_geometry(stride, padding, dilation, groups, transposed)
    yield from through_windows(question, x, kernel, geometry)


def through_windows(
    question: Question, x: Value, kernel: NDArray[Any], geometry: kernels.Geometry, location: Location | None = None
) -> Iterable[Arrival]:
    """Hop from outputs to the inputs in their windows.

    kernel: (O, C / groups, one to three sizes). location: how to choose in the window; None: the preset's.
    """
    spatial = kernel.ndim - 2
    depthwise = kernel.shape[1] == 1
    values = x.array() if depthwise else x.strided()  # rows of small windows are read several numbers at a time
    inputs = values.reshape(_five_sizes(values.shape, spatial))
    weights = _five_dimensional(np.asarray(kernel, values.dtype), spatial)
    selection, preset = question.selection, question.preset
    sizes = _five_sizes(selection.shape, spatial)
    location = location or question.structure.location(question.operation, preset)
    outputs = selection.index, selection.sign
    if location == "joint":
        found = largest_products(inputs, weights, geometry, sizes[2:], outputs, preset.fan_out)
        yield Arrival(x, *sparse.shared_among(*found, selection.evidence, preset.signed))
    elif weights[0, 0].size == 1 and not (any(geometry[1]) or geometry[3][0]):
        # In windows of one place, the channel with the largest sum is the one with the largest product.
        (index,) = largest_products(inputs, weights, geometry, sizes[2:], outputs, 1, floor=-np.inf).at.T
        channel = index // math.prod(inputs.shape[2:]) % weights.shape[1]
        coefficient = weights[selection.index // math.prod(sizes[2:]) % len(weights), channel, 0, 0, 0]
        yield Arrival(x, index, turned(question, coefficient), selection.evidence)
    else:
        form = kernels.Form(np.ascontiguousarray(inputs), weights, geometry)
        at = np.stack(np.unravel_index(selection.index, sizes), axis=1)
        index, weights = kernels.strongest_channel(form, at, selection.sign, _LOCATIONS[location])
        yield Arrival(x, index, turned(question, weights), selection.evidence)


def _five_dimensional(array: NDArray[Any], spatial: int) -> NDArray[Any]:
    """(…, channel, up to three sizes) as (batch, channel, depth, height, width)."""
    return np.ascontiguousarray(array).reshape(_five_sizes(array.shape, spatial))


def _five_sizes(shape: Sequence[int], spatial: int) -> tuple[int, ...]:
    """The shape with 1 for a missing batch dimension and for missing spatial dimensions."""
    leading, sizes = tuple(shape[: len(shape) - spatial]), tuple(shape[len(shape) - spatial :])
    return (1,) * (2 - len(leading)) + leading + (1,) * (3 - spatial) + sizes


def window_geometry(
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    transposed: bool = False,
) -> kernels.Geometry:
    """The geometry that the kernels take; missing leading dimensions have stride 1 and no padding."""
    return _three(stride, 1), _three(padding, 0), _three(dilation, 1), (int(transposed), groups, 0)


def _three(given: Sequence[int], missing: int) -> tuple[int, ...]:
    return (missing,) * (3 - len(given)) + tuple(map(int, given))
