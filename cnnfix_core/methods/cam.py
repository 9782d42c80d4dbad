"""Networks that end with a map, its mean over all places and one linear layer."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from cnnfix_core.engine import Operation, Tape, Value, family_of, record_whole
from cnnfix_core.engine.rules.dimensions import reduced_dims
from cnnfix_core.engine.rules.indexing import same_order
from cnnfix_core.errors import ModelError
from cnnfix_core.methods.feature_maps import anatomy, read_off
from cnnfix_core.methods.per_view import ViewRequest


class Head(NamedTuple):
    """The map, (1, C, h, w), and the matrix of weights, (C, classes)."""

    map: Value
    weights: Value


def class_activation_map(asked: ViewRequest) -> tuple[Tensor, str]:
    """CAM (Zhou et al., CVPR 2016, eq. 2): the map's channels, weighted by the linear layer's weights for the class.

    Taken from the tape: the map that is averaged need not be what some module gave, as in DenseNet, which has a
    ReLU of its own before. What is negative speaks against the class and is cut off.
    """
    asked.watch(asked.module, (asked.inputs,))
    head = find_head(record_whole(asked.model.module, asked.inputs))
    if head is None or head.map.data is None or head.weights.data is None:
        raise ModelError(_REASON)
    weights = asked.among(head.weights.data.detach())
    return (weights[:, None, None] * head.map.data[0].detach()).sum(dim=0), anatomy(asked.model).last


_REASON = (
    "A class activation map as first published needs a network that ends with a map, its mean over all places, and one "
    "linear layer: take Grad-CAM, which gives the same where that is so."
)


@read_off
def needs_pooled_head(tape: Tape) -> str:
    """Why class activation maps as first published do not fit the network, or ""."""
    return "" if find_head(tape) else _REASON


def find_head(tape: Tape) -> Head | None:
    """What the scores are computed from, where it is the mean of a map."""
    last = tape.output.producer
    if last is None or last.name not in ("aten.addmm", "aten.mm") or last.args[-1].depends:
        return None
    mean = last.args[-2].producer
    while mean is not None and _keeps_order(mean):
        mean = mean.args[0].producer
    if mean is None or mean.name != "aten.mean":
        return None
    pooled: Value = mean.args[0]
    return Head(pooled, last.args[-1]) if len(pooled.shape) == 4 and reduced_dims(mean) == [2, 3] else None


def _keeps_order(operation: Operation) -> bool:
    return family_of(operation) is same_order
