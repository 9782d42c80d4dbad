"""Layers in words: an operation's textbook name, the size of its output, and the evidence of a walk there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from cnnfix_core.backtrack.path import Step, name_of
from cnnfix_core.backtrack.playback.playback import Cloud, Playback, spread
from cnnfix_core.engine import FamilyTable, HopFunction, Operation, Trace
from cnnfix_core.engine.rules.convolution import convolution
from cnnfix_core.regions import describe_position
from cnnfix_core.utils import percent

_NAMES = {
    "rather_than": "Contrast with other classes",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "Leaky ReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "hardswish": "Hard swish",
    "hardsigmoid": "Hard sigmoid",
    "_softmax": "Softmax",
    "_log_softmax": "Log softmax",
    "native_batch_norm": "Batch normalisation",
    "native_layer_norm": "Layer normalisation",
    "native_group_norm": "Group normalisation",
    "addmm": "Fully connected",
    "mm": "Fully connected, no bias",
    "bmm": "Matrix product",
    "add": "Addition",
    "sub": "Difference",
    "mul": "Product",
    "div": "Quotient",
    "cat": "Concatenation",
    "constant_pad_nd": "Padding",
    "permute": "Permuted dimensions",
    "transpose": "Transposed dimensions",
    "slice": "Slice",
    "select": "Slice",
    "mean": "Average over the map",
    "_adaptive_avg_pool2d": "Adaptive average pooling",
    "upsample_bilinear2d": "Bilinear upsampling",
    "upsample_nearest2d": "Nearest-neighbour upsampling",
}


Describe = Callable[[Operation], str]
_CALLED: FamilyTable[Describe] = FamilyTable("name")


def called(*members: HopFunction | str, replace: bool = False) -> Callable[[Describe], Describe]:
    """Register how to name operations, given by their rule functions or by name."""
    return _CALLED.register(*members, replace=replace)


def kind(operation: Operation | None) -> str:
    """The kind of a layer: "Convolution 3 × 3, stride 2"; "Picture" for None."""
    if operation is None:
        return "Picture"
    described = _CALLED.find(operation)
    if described:
        return described(operation)
    name = name_of(operation)
    return _NAMES.get(name) or name.strip("_").replace("_", " ").capitalize()


def shape(step: Step) -> str:
    """Size of the step's tensor: "128 × 28 × 28", channels first, or "1,000 units"."""
    count = prod(step.value.shape)
    if step.field is None:
        return "1 unit" if count == 1 else f"{count:,} units"
    rows, columns = step.size
    return f"{count // (rows * columns)} × {rows} × {columns}"


def step_words(step: Step, trace: Trace, playback: Playback) -> str:
    """A text alternative for a step: the layer, and where in the picture the walk's evidence is."""
    layer = f"{kind(step.operation)}, {shape(step)}" + (f", in {step.module}" if step.module else "")
    return f"{layer}. {evidence_words(step, trace, playback)}"


def evidence_words(step: Step, trace: Trace, playback: Playback) -> str:
    """Describe where in the picture the walk's evidence is at a step."""
    selection, cloud = trace.selection(step.value), playback.cloud_at(step.number)
    if cloud is None:
        return "This walk does not pass through here."
    elements = "1 element" if len(selection) == 1 else f"{len(selection):,} elements"
    holds = f"{'holds' if len(selection) == 1 else 'hold'} {percent(selection.total)} of the evidence"
    if step.field is None:
        return f"{elements} {holds}."
    places = cloud.places
    place = "pixel" if step.operation is None else "place"
    return (
        f"{elements} at {places:,} {place if places == 1 else place + 's'} {holds}."
        f" Half of it, without a blur, lies on {percent(spread(cloud))} of the picture, {_where(cloud)}."
    )


def _where(cloud: Cloud) -> str:
    """Describe where in the network's input most of the evidence is."""
    x, y = np.minimum((cloud.xy * 9).astype(int), 8).T
    density = np.bincount(y * 9 + x, weights=cloud.evidence, minlength=81).astype(float)
    return describe_position(density.reshape(9, 9))


@called(convolution)
def _convolution(operation: Operation) -> str:
    _, weight, _, stride, _, dilation, transposed, _, groups = operation.args[:9]
    depthwise = groups > 1 and weight.shape[1] == 1
    parts = ["Transposed convolution" if transposed else "Depthwise convolution" if depthwise else "Convolution"]
    parts[0] += f" {_times(weight.shape[2:])}"
    parts += [f"stride {stride[0]}"] if stride[0] > 1 else []
    parts += [f"dilation {dilation[0]}"] if dilation[0] > 1 else []
    parts += [f"{groups} groups"] if groups > 1 and not depthwise else []
    return ", ".join(parts)


@called("aten.max_pool2d_with_indices")
def _max_pooling(operation: Operation) -> str:
    return f"Max pooling {_window(operation)}"


@called("aten.avg_pool2d")
def _average_pooling(operation: Operation) -> str:
    return f"Average pooling {_window(operation)}"


def _window(operation: Operation) -> str:
    window, *rest = operation.args[1:]
    stride = (rest[0] if rest else None) or window
    return f"{_times(window)}, stride {stride[0]}"


@called("aten.hardtanh")
def _hardtanh(operation: Operation) -> str:
    low, high = operation.args[1:3]
    return f"ReLU{high:g}" if low == 0 else f"Clamp between {low:g} and {high:g}"


def _times(sizes: Sequence[Any]) -> str:
    return " × ".join(map(str, sizes))
