"""Elements computed from a single element: functions of one number, normalisation, and moves."""

from __future__ import annotations

import math

import numpy as np

from cnnfix_core.arrays import Ints
from cnnfix_core.backtrack.decisions.explainers.parts import candidates, linear, numbers, own_index, sole
from cnnfix_core.backtrack.decisions.explainers.registry import Account, ElementQuery, explains
from cnnfix_core.backtrack.decisions.sentences import function, joined, moved, normalised, set_apart
from cnnfix_core.engine import Operation, Value
from cnnfix_core.engine.rules import contrast, elementwise, indexing, normalisation, views

_NAMES = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "hardtanh": "The clamp",
    "clamp": "The clamp",
    "clamp_min": "The clamp",
    "clamp_max": "The clamp",
    "leaky_relu": "Leaky ReLU",
    "prelu": "PReLU",
    "_prelu_kernel": "PReLU",
    "rrelu_with_noise": "RReLU",
    "elu": "ELU",
    "celu": "CELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "hardswish": "Hard swish",
    "hardsigmoid": "The hard sigmoid",
    "sigmoid": "The sigmoid",
    "log_sigmoid_forward": "The log sigmoid",
    "tanh": "The hyperbolic tangent",
    "_softmax": "Softmax",
    "_safe_softmax": "Softmax",
    "_log_softmax": "Log softmax",
    "native_dropout": "Dropout",
    "exp": "The exponential function",
    "log": "The logarithm",
    "sqrt": "The square root",
    "rsqrt": "The reciprocal square root",
    "neg": "Negation",
    "reciprocal": "The reciprocal",
    "abs": "The absolute value",
    "pow": "The power",
}


@explains(elementwise.same_element, elementwise.turned_element, elementwise.bent_element)
def of_one_number(asked: ElementQuery) -> Account:
    """Activation functions, and no-ops of evaluation mode."""
    (x, *_) = asked.operation.activations()
    index = own_index(x, asked.output.shape, asked.index)
    return Account("function", (sole(x, index, asked.number),), function(_called(asked.operation)))


@explains(contrast.rather_than)
def contrasted(asked: ElementQuery) -> Account:
    """A contrast at the last feature map, which leaves the number as it is."""
    (x,) = asked.operation.activations()
    return Account("function", (sole(x, asked.index, asked.number),), set_apart)


def _called(operation: Operation) -> str:
    name = operation.name.rpartition(".")[2]
    if name == "hardtanh" and operation.args[1:] == (0, 6):
        name = "relu6"  # PyTorch runs it as a clamp
    return _NAMES.get(name) or name.strip("_").replace("_", " ").capitalize()


# --- normalisation ----------------------------------------------------------------------------------------------------


@explains(normalisation.batch_norm)
def by_channel(asked: ElementQuery) -> Account:
    """Batch normalisation: mean and variance of the channel, from training or from the batch itself."""
    x, weight, bias, mean, variance, *rest = asked.operation.args
    channel = asked.position[1]
    trains = len(rest) == 3 and rest[0]  # the inference-only function has no such argument
    if trains or mean is None:
        inner = math.prod(x.shape[2:])
        maps = np.arange(x.shape[0]) * x.shape[1] + channel
        statistics = _statistics(x, (maps[:, None] * inner + np.arange(inner)).reshape(-1))
    else:
        statistics = _at(mean, channel, 0), _at(variance, channel, 1)
    return _normalised(asked, statistics, (_at(weight, channel, 1), _at(bias, channel, 0)), float(rest[-1]))


@explains(normalisation.group_norm)
def by_group(asked: ElementQuery) -> Account:
    """Group normalisation: mean and variance over a group of channels of one picture."""
    x, weight, bias, _, channels, inner, groups, eps = asked.operation.args
    channel = asked.position[1]
    size = channels // groups * inner
    start = asked.index // size * size
    affine = _at(weight, channel, 1), _at(bias, channel, 0)
    return _normalised(asked, _statistics(x, start + np.arange(size)), affine, eps)


@explains(normalisation.layer_norm)
def by_layer(asked: ElementQuery) -> Account:
    """Layer normalisation: mean and variance over the last dimensions."""
    x, sizes, weight, bias, eps = asked.operation.args
    size = math.prod(sizes)
    row, at = divmod(asked.index, size)
    affine = _at(weight, at, 1), _at(bias, at, 0)
    return _normalised(asked, _statistics(x, row * size + np.arange(size)), affine, eps)


def _at(parameter: Value | None, index: int, otherwise: float) -> float:
    return otherwise if parameter is None else float(numbers(parameter, np.array([index]))[0])


def _statistics(x: Value, index: Ints) -> tuple[float, float]:
    """Mean and variance of these elements."""
    values = numbers(x, index)
    return float(values.mean()), float(values.var())


def _normalised(
    asked: ElementQuery, statistics: tuple[float, float], affine: tuple[float, float], eps: float
) -> Account:
    """(x - mean) / deviation * scale + shift, as coefficient * x + bias."""
    (mean, variance), (scale, shift) = statistics, affine
    deviation = math.sqrt(variance + eps)
    coefficient = scale / deviation
    part = linear(asked.operation.args[0], np.array([asked.index]), np.array([coefficient]))
    return Account("scaled", (part,), normalised(mean, deviation, scale, shift), shift - coefficient * mean)


# --- movement ---------------------------------------------------------------------------------------------------------


@explains(
    indexing.same_order,
    indexing.moved,
    indexing.put,
    indexing.filled,
    indexing.restrided,
    indexing.overwritten,
    views.viewed,
    views.padded,
)
def elsewhere(asked: ElementQuery) -> Account:
    """The same number in another place, or a constant filled in where there is no input."""
    sources = asked.sources()
    parts = tuple(candidates(value, index[:1], 0) for value, index in sources[:1])
    several = next((given for given in asked.operation.args if isinstance(given, list)), [])
    tensors = [value for value in several if isinstance(value, Value)]
    if parts and parts[0].value in tensors:  # stacked
        return Account("joined", parts, joined(tensors.index(parts[0].value) + 1, len(tensors)))
    bias = None if parts else asked.number
    return Account("moved", parts, moved, bias)
