"""Elementwise operations of one tensor: the same element, and the question turns where the function falls."""

from __future__ import annotations

from collections.abc import Iterable

from cnnfix_core.rules.registry import Arrival, Question, rule
from cnnfix_core.selection import Signs


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
    "aten.log",
    "aten.sqrt",
)
def same_element(question: Question) -> Iterable[Arrival]:
    """Activation functions, and no-ops of evaluation mode: they grow, or nearly always grow, with their input."""
    yield passed(question, question.selection.sign)


@rule("aten.neg", "aten.reciprocal", "aten.rsqrt")
def turned_element(question: Question) -> Iterable[Arrival]:
    """Functions that fall with their input: why high becomes why low."""
    sign = question.selection.sign
    yield passed(question, -sign if question.preset.signed else sign)


def passed(question: Question, sign: Signs) -> Arrival:
    """Arrival at the same element of the first argument, with this sign."""
    return Arrival(question.operation.args[0], question.selection.index, sign, question.selection.evidence)
