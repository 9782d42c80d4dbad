"""Convolutions of one to three dimensions, with groups, stride, padding and dilation, transposed or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core import kernels
from cnnfix_core.presets import Location
from cnnfix_core.rules.registry import Arrival, Question, rule
from cnnfix_core.rules.shares import arrival, proportion, turned
from cnnfix_core.selection import Ints
from cnnfix_core.tape import Value

_LOCATIONS = {"centre": kernels.CENTRE, "product": kernels.PRODUCT, "activation": kernels.ACTIVATION}


@rule("aten.convolution", args=(0, 1))
def convolution(question: Question) -> Iterable[Arrival]:
    x, weight, _, stride, padding, dilation, transposed, _, groups = question.operation.args
    kernel = weight.array()
    if transposed:
        # (C, O / groups, ...) to (O, C / groups, ...), as a convolution has it.
        split = kernel.reshape(groups, -1, *kernel.shape[1:]).swapaxes(1, 2)
        kernel = np.ascontiguousarray(split).reshape(-1, kernel.shape[0] // groups, *kernel.shape[2:])
    geometry = window_geometry(stride, padding, dilation, groups, transposed)
    yield from through_windows(question, x, kernel, geometry)


def through_windows(
    question: Question, x: Value, kernel: NDArray[Any], geometry: Ints, location: Location | None = None
) -> Iterable[Arrival]:
    """Hop from outputs to the inputs in their windows.

    kernel: (O, C / groups, one to three sizes). location: how to choose there; None: as the preset says.
    """
    selection, preset = question.selection, question.preset
    values = x.array()
    batch = () if values.ndim == kernel.ndim else (1,)
    full = (*batch, *values.shape)
    full = (*full[:2], *(1,) * (5 - len(full)), *full[2:])
    w = np.ascontiguousarray(kernel, values.dtype).reshape(*kernel.shape[:2], *(1,) * (5 - kernel.ndim), *kernel.shape[2:])
    at = np.zeros((len(selection), 5), np.int64)
    coordinates = selection.coordinates
    at[:, len(batch) : 2] = coordinates[:, : 2 - len(batch)]
    at[:, 5 - (kernel.ndim - 2) :] = coordinates[:, 2 - len(batch) :]
    form = (values.reshape(full), w, geometry, at, selection.sign)

    location = location or question.structure.location(question.operation, preset)
    if location == "joint":
        index, products = kernels.largest_products(*form, k=preset.fan_out)
        yield arrival(question, x, index, proportion(products, selection.evidence))
    else:
        index, chosen = kernels.strongest_channel(*form, location=_LOCATIONS[location])
        yield Arrival(x, index, turned(question, chosen), selection.evidence)


def window_geometry(
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    transposed: bool = False,
) -> Ints:
    """The (4, 3) table that the kernels take; missing leading dimensions have stride 1 and no padding."""
    rows = [(*(empty,) * (3 - len(given)), *given) for given, empty in ((stride, 1), (padding, 0), (dilation, 1))]
    return np.array([*rows, (int(transposed), groups, 0)], np.int64)
