"""Products of two activations: which factor is the feature that the walk follows, and which is its gate.

Squeeze-and-excitation, softmax attention and recurrent cells multiply a feature by a gate: a weight between 0 and 1
that is computed from the input. The walk follows the feature and treats the gate as its coefficient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfix_core.engine.tape import WHOLE, Operation, Value

# Functions whose output is a gate (2), and functions with two bounds, which make one if the other factor is not a gate
# (1), such as the ReLU6 in a hard sigmoid.
_GATES = {
    **dict.fromkeys(("aten.sigmoid", "aten.hardsigmoid", "aten._softmax", "aten._safe_softmax"), 2),
    **dict.fromkeys(("aten.hardtanh", "aten.clamp"), 1),
}
# Operations after which a gate is still a gate: they move elements, or add or multiply a constant.
_KEEPS_GATE = {
    *("aten.view", "aten._unsafe_view", "aten.clone", "aten.expand", "aten.unsqueeze", "aten.squeeze", "aten.detach"),
    *("aten.permute", "aten.transpose", "aten.t", "aten.select", "aten.slice", "aten.split", "aten.split_with_sizes"),
    *("aten.unbind", "aten._to_copy", "aten.upsample_nearest2d", "aten.upsample_bilinear2d"),
    *("aten.mul", "aten.div", "aten.add", "aten.sub", "aten.rsub"),
}


def followed_factors(factors: Sequence[Any], elementwise: bool) -> tuple[int, ...]:
    """Which of two factors the walk follows: (0,), (1,), or both if neither can be told to be the gate.

    A gate is a sigmoid or a softmax, possibly moved or scaled. Otherwise, in an elementwise product, the factor that is
    broadcast over the other is the gate; otherwise a clamped factor is.
    """
    dependent = {at: value for at, value in enumerate(factors) if isinstance(value, Value) and value.depends}
    if len(dependent) == 1:
        return tuple(dependent)

    def gating(value: Value) -> tuple[bool, int, int]:
        strength = _gate_strength(value)
        return strength == 2, -int(np.prod(value.shape)) if elementwise else 0, strength

    least = min(map(gating, dependent.values()))
    return tuple(at for at, value in dependent.items() if gating(value) == least)


def _gate_strength(value: Value) -> int:
    """2 for a sigmoid, a softmax or a mask, 1 for another function with two bounds, else 0.

    A product of two activations is 0. A mask is what was made of comparisons or other whole numbers.
    """
    producer = value.producer
    while producer is not None and producer.name in _KEEPS_GATE and len(activations := producer.activations()) == 1:
        producer = activations[0].producer
    if producer is not None and producer.cut() == WHOLE:
        return 2  # a mask, or another choice
    return _GATES.get(producer.name, 0) if producer is not None and _has_bounds(producer) else 0


def _has_bounds(operation: Operation) -> bool:
    """Whether a clamp has both bounds; with only one it acts like a ReLU. True for other operations."""
    bounds = [*operation.args[1:3], *operation.kwargs.values()]
    return operation.name != "aten.clamp" or len([bound for bound in bounds if bound is not None]) == 2
