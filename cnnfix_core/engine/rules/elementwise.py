"""Elementwise operations: the same element, and the question turns around where the function decreases."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch.utils._pytree import tree_map_only

from cnnfix_core.arrays import Ints, Signs
from cnnfix_core.engine.positions import broadcast_index
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.rules.sharing import turned
from cnnfix_core.engine.tape import Value


@rule(
    "aten.relu",
    "aten.relu6",
    "aten.leaky_relu",
    "aten.prelu",
    "aten._prelu_kernel",
    "aten.rrelu_with_noise",
    "aten.elu",
    "aten.celu",
    "aten.selu",
    "aten.gelu",
    "aten.silu",
    "aten.mish",
    "aten.hardtanh",
    "aten.hardswish",
    "aten.hardsigmoid",
    "aten.sigmoid",
    "aten.log_sigmoid_forward",
    "aten.tanh",
    "aten.softplus",
    "aten.clamp",
    "aten.clamp_min",
    "aten.clamp_max",
    "aten.dropout",
    "aten.native_dropout",
    "aten.exp",
    "aten.expm1",
    "aten.log",
    "aten.log1p",
    "aten.logit",
    "aten.sqrt",
    "aten.erf",
    "aten.atan",
    "aten.sign",
    "aten.sgn",
    "aten.heaviside",
    "aten.round",
    "aten.floor",
    "aten.ceil",
    "aten.trunc",
    "aten.fake_quantize_per_tensor_affine_cachemask",
    "aten._fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
    "aten.fake_quantize_per_channel_affine_cachemask",
    "aten.log2",
    "aten.log10",
    "aten.exp2",
    "aten.sinh",
    "aten.asinh",
    "aten.asin",
    "aten.atanh",
    "aten.acosh",
    "aten.erfinv",
    "aten.threshold",
    "aten.hardshrink",
    "aten.softshrink",
    "aten.nan_to_num",
    "aten._softmax",
    "aten._safe_softmax",
    "aten._log_softmax",
)
def same_element(question: Question) -> Iterable[Arrival]:
    """Activation functions, which (nearly) always increase, rounding, and what has no effect in evaluation mode.

    A softmax is one of them: a class is probable because its own logit is high.
    """
    yield passed(question, question.selection.sign)


@rule("aten.neg", "aten.reciprocal", "aten.rsqrt", "aten.erfc", "aten.acos")
def turned_element(question: Question) -> Iterable[Arrival]:
    """Decreasing functions: "why is it high?" becomes "why is the input low?"."""
    sign = question.selection.sign
    yield passed(question, -sign if question.preset.signed else sign)


@rule(
    *("aten.abs", "aten.pow", "aten.sin", "aten.cos", "aten.tan", "aten.cosh", "aten.sinc", "aten.atan2"),
    *("aten.lgamma", "aten.frac", "aten.fmod", "aten.remainder"),
    args=(0, 1),
)
def bent_element(question: Question) -> Iterable[Arrival]:
    """Functions that increase or decrease: the question turns around where the slope is negative.

    Of two activations (a power, an angle) the walk follows the first; the other is a coefficient.
    """
    operation, selection = question.operation, question.selection
    x = operation.activations()[0]

    def places(value: Value) -> Ints:
        return broadcast_index(selection.index, value.shape, selection.shape)

    def at_selection(value: Value) -> torch.Tensor:
        return torch.from_numpy(value.at(places(value))).double()

    with torch.enable_grad():
        here = at_selection(x).requires_grad_()
        # Times one makes a copy, because in-place operations must not write into a leaf.
        args = tree_map_only(Value, lambda value: here * 1 if value is x else at_selection(value), operation.args)
        (slope,) = torch.autograd.grad(operation.call(*args).sum(), here)
    yield Arrival(x, places(x), turned(question, slope.numpy()), selection.evidence)


def passed(question: Question, sign: Signs) -> Arrival:
    """Arrive at the same element of the first argument, with this sign."""
    return Arrival(question.operation.args[0], question.selection.index, sign, question.selection.evidence)
