"""What a layer does, in words for people who have not seen its name before."""

from __future__ import annotations

from cnnfix_core.backtrack.path import name_of
from cnnfix_core.engine import Operation, family_of
from cnnfix_core.engine.rules.convolution import convolution

_PICTURE = "what the network was shown; the walk ends at its pixels"
_PURPOSES = {
    "rather_than": "keeps what speaks for this class more than for the others",
    "relu": "lets positive numbers through and makes the others 0",
    "relu6": "cuts off what is below 0 or above 6",
    "hardtanh": "cuts off what is too low or too high",
    "leaky_relu": "lets positive numbers through and weakens negative ones",
    "elu": "lets positive numbers through and flattens negative ones",
    "gelu": "lets large numbers through and fades out the others",
    "silu": "lets large numbers through and fades out the others",
    "hardswish": "lets large numbers through and fades out the others",
    "sigmoid": "squeezes each number between 0 and 1",
    "hardsigmoid": "squeezes each number between 0 and 1",
    "_softmax": "turns numbers into shares that add up to 1",
    "_log_softmax": "turns numbers into the logarithms of shares",
    "native_batch_norm": "brings each channel to a common scale",
    "native_layer_norm": "brings the numbers at each place to a common scale",
    "native_group_norm": "brings groups of channels to a common scale",
    "addmm": "weighs all its inputs and adds them up",
    "mm": "weighs all its inputs and adds them up",
    "bmm": "multiplies two tables of numbers",
    "add": "adds what two ways through the network brought",
    "sub": "takes one number from another",
    "mul": "multiplies, often to strengthen some channels and weaken others",
    "div": "divides one number by another",
    "cat": "puts the channels of several ways behind each other",
    "constant_pad_nd": "adds a margin around the map",
    "permute": "only puts the numbers into another order",
    "transpose": "only puts the numbers into another order",
    "slice": "takes a part of the numbers",
    "select": "takes a part of the numbers",
    "max_pool2d": "keeps the largest number of each window",
    "avg_pool2d": "averages each window",
    "mean": "averages each channel over all places",
    "_adaptive_avg_pool2d": "averages each channel over all places of a window",
    "upsample_bilinear2d": "makes the map larger, smoothly",
    "upsample_nearest2d": "makes the map larger by repeating numbers",
}


def purpose(operation: Operation | None) -> str:
    """What a layer does, as the rest of a sentence: "averages each window"; "" if it is not known.

    operation: None for the picture.
    """
    if operation is None:
        return _PICTURE
    if family_of(operation) is convolution:
        return _of_convolution(operation)
    return _PURPOSES.get(name_of(operation), "")


def _of_convolution(operation: Operation) -> str:
    weight, groups = operation.args[1], operation.args[8]
    window = " × ".join(map(str, weight.shape[2:]))
    pointwise = all(side == 1 for side in weight.shape[2:])
    if groups > 1 and weight.shape[1] == 1:
        return f"looks for one pattern in each channel by itself, in windows of {window}"
    if pointwise:
        return f"mixes the {weight.shape[1] * groups:,} channels of each place into {weight.shape[0]:,}"
    return f"looks for {weight.shape[0]:,} patterns in windows of {window}"
