"""Normalisation in evaluation mode is an affine function of each element."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnfix_core.rules.elementwise import passed
from cnnfix_core.rules.registry import Arrival, Question, rule
from cnnfix_core.rules.shares import turned


@rule(
    "aten.native_batch_norm",
    "aten.cudnn_batch_norm",
    "aten.miopen_batch_norm",
    "aten._native_batch_norm_legit_no_training",
    args=(1,),
)
def batch_norm(question: Question) -> Iterable[Arrival]:
    """The same element; the question turns where the channel's scale is negative."""
    scale = question.operation.args[1]
    selection = question.selection
    if scale is None:
        yield passed(question, selection.sign)
        return
    inner = np.prod(selection.shape[2:], dtype=np.int64)
    channel = selection.index // inner % selection.shape[1]
    yield passed(question, turned(question, scale.array()[channel]))
