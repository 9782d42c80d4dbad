"""Pooling: maxima follow the selected element, averages are linear forms with equal coefficients."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnfix_core.arrays import Ints
from cnnfix_core.engine.rules.convolution import through_windows, window_geometry
from cnnfix_core.engine.rules.dimensions import reduced_elements
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.rules.sharing import Terms, through_terms


@rule(
    "aten.max_pool2d_with_indices",
    "aten.max_pool3d_with_indices",
    "aten.adaptive_max_pool2d",
    "aten.adaptive_max_pool3d",
    "aten.fractional_max_pool2d",
    "aten.fractional_max_pool3d",
    outputs=(1,),
)
def max_pool(question: Question) -> Iterable[Arrival]:
    """The selected input; the forward pass recorded its position in its plane."""
    x, sizes = question.operation.args[:2]
    selection = question.selection
    taken = question.operation.outputs[1].integers().reshape(-1)[selection.index]
    dims = len(sizes)
    plane = selection.index // np.prod(selection.shape[-dims:], dtype=np.int64)
    yield Arrival(x, plane * np.prod(x.shape[-dims:], dtype=np.int64) + taken, selection.sign, selection.evidence)


@rule("torchvision.roi_pool", args=(1,), outputs=(1,))
def roi_max_pool(question: Question) -> Iterable[Arrival]:
    """The largest element of each cell of a box (Girshick: Fast R-CNN, ICCV 2015, section 2.1); -1 for empty cells."""
    x, boxes = question.operation.args[:2]
    selection = question.selection
    taken = question.operation.outputs[1].integers().reshape(-1)[selection.index]
    box, channel = np.unravel_index(selection.index, selection.shape)[:2]
    plane = boxes.array()[box, 0].astype(np.int64) * x.shape[1] + channel
    index = np.where(taken >= 0, plane * np.prod(x.shape[2:], dtype=np.int64) + taken, -1)
    yield Arrival(x, index, selection.sign, selection.evidence)


@rule("aten.avg_pool1d", "aten.avg_pool2d", "aten.avg_pool3d", args=(0,))
def avg_pool(question: Question) -> Iterable[Arrival]:
    """The inputs in each output's window, all with the same coefficient: a depthwise convolution.

    The divisor does not change the shares.
    """
    x, window, *rest = question.operation.args
    stride = (rest[0] if rest else None) or window
    padding = rest[1] if len(rest) > 1 else [0] * len(window)
    channels = x.shape[-len(window) - 1]
    kernel = np.ones((channels, 1, *window))
    geometry = window_geometry(stride, padding, (1,) * len(window), channels)
    # The published rule for all poolings: the largest activation.
    return through_windows(question, x, kernel, geometry, "joint" if question.preset.spread else "activation")


@rule("aten.mean", "aten.sum", args=(0,))
def mean(question: Question) -> Iterable[Arrival]:
    """Mean or sum over some dimensions, such as global average pooling."""
    x = question.operation.args[0]
    start, inside = reduced_elements(question)

    def terms(rows: Ints) -> Terms:
        return start[rows, None] + inside, np.ones(1)

    return through_terms(question, x, terms, len(inside), keep_all=True, pooled=True)
