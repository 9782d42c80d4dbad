"""Normalisation: the same element, scaled. Mean and variance computed from the picture count as constants."""

from __future__ import annotations

import math
from collections.abc import Iterable

from cnnfix_core.engine import sparse
from cnnfix_core.engine.rules.elementwise import passed
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.tape import Value


@rule(
    "aten.native_batch_norm",
    "aten.cudnn_batch_norm",
    "aten.miopen_batch_norm",
    "aten._native_batch_norm_legit_no_training",
    args=(1,),
)
def batch_norm(question: Question) -> Iterable[Arrival]:
    """The same element; the sign flips where the channel's scale is negative."""
    inner = math.prod(question.selection.shape[2:])
    yield _scaled(question, question.operation.args[1], inner)


@rule("aten.native_group_norm", args=(1,))
def group_norm(question: Question) -> Iterable[Arrival]:
    """Wu, He: Group Normalization, ECCV 2018: one scale per channel."""
    yield _scaled(question, question.operation.args[1], question.operation.args[5])


@rule("aten.native_layer_norm", args=(2,))
def layer_norm(question: Question) -> Iterable[Arrival]:
    """Ba, Kiros, Hinton: Layer Normalization, 2016: one scale per element of the last dimensions."""
    yield _scaled(question, question.operation.args[2], 1)


def _scaled(question: Question, scale: Value | None, inner: int) -> Arrival:
    """Flip the sign where the scale is negative; each of its numbers applies to `inner` consecutive elements."""
    selection = question.selection
    if scale is None or not question.preset.signed:
        return passed(question, selection.sign)
    factors = scale.array().reshape(-1)
    if not (factors < 0).any():
        return passed(question, selection.sign)
    return passed(question, sparse.turned_signs(selection.index, selection.sign, factors, inner))
