"""CAM, for networks that end with a feature map, global average pooling and one linear layer."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from cnnfix_core.engine import Tape, Value, family_of
from cnnfix_core.engine.rules.dimensions import reduced_dims
from cnnfix_core.engine.rules.indexing import same_order
from cnnfix_core.errors import ModelError
from cnnfix_core.methods.feature_maps import anatomy, computed_from_tape
from cnnfix_core.methods.per_view import ViewRequest


class Head(NamedTuple):
    """The feature map, (1, C, h, w), and the weight matrix, (C, classes)."""

    map: Value
    weights: Value


def class_activation_map(request: ViewRequest) -> tuple[Tensor, str]:
    """CAM (Zhou et al., CVPR 2016, eq. 2): the map's channels, weighted by the linear layer's weights for the class.

    The map is read from the tape, because it need not be the output of a module: DenseNet applies a functional ReLU
    before pooling. Negative values count against the class and are set to 0.
    """
    request.watch(1)
    head = find_head(request.model.record(request.inputs, whole=True))
    if head is None or head.map.data is None or head.weights.data is None:
        raise ModelError(_REASON)
    weights = request.among(head.weights.data.detach())
    return (weights[:, None, None] * head.map.data[0].detach()).sum(dim=0), anatomy(request.model).last


_REASON = (
    "CAM as published needs a network that ends with a feature map, global average pooling and one linear layer: "
    "use Grad-CAM instead, which gives the same map for such networks."
)


@computed_from_tape
def needs_pooled_head(tape: Tape) -> str:
    """Why CAM as published cannot be used with the network, or ""."""
    return "" if find_head(tape) else _REASON


def find_head(tape: Tape) -> Head | None:
    """The head of the network, if the scores are computed from the mean of a feature map."""
    last = _before_reshaping(tape.output).producer
    if last is None or last.name not in ("aten.addmm", "aten.mm") or last.args[-1].depends:
        return None
    mean = _before_reshaping(last.args[-2]).producer
    if mean is None or mean.name != "aten.mean":
        return None
    pooled: Value = mean.args[0]
    return Head(pooled, last.args[-1]) if len(pooled.shape) == 4 and reduced_dims(mean) == [2, 3] else None


def _before_reshaping(value: Value) -> Value:
    # Pooling in the memory format "channels last" ends with a view of the same numbers.
    while value.producer is not None and (
        family_of(value.producer) is same_order or value.producer.name == "aten.as_strided"
    ):
        value = value.producer.args[0]
    return value
