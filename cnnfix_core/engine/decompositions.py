"""Fused operations that are recorded as simpler ones, so that a walk can follow their steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._decomp import get_decompositions

aten = torch.ops.aten


def decomposition_of(operator: Any) -> Callable[..., Any] | None:
    """A function that computes the operator with simpler ones; None if the operator is recorded as it is."""
    return _decompositions().get(operator) or (operator.decompose if _is_composite(operator) else None)


@cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    return {
        **get_decompositions([aten.addcmul, aten.addcdiv, aten.glu, aten.lerp, aten.baddbmm]),
        aten.mkldnn_rnn_layer.default: lstm_layer,
    }


def _is_composite(operator: Any) -> bool:
    """Whether PyTorch computes the operator only with other operators."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), "CompositeImplicitAutograd")


def lstm_layer(x: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One LSTM layer in one direction (Hochreiter, Schmidhuber 1997), as in torch.nn.LSTM.

    Args:
        x: (T, batch, features).
        rest: The weights of the gates (input, forget, cell, output) for x and for the state, their biases, state and
            cell of shape (batch, hidden), whether time runs backwards, and other settings of the operator.
    """
    w_input, w_hidden, *biases, h, c, reverse, _, _, _, _, has_biases = rest[:12]
    bias = sum(biases) if has_biases else w_input.new_zeros(len(w_input))
    h, c = (state.reshape(state.shape[-2:]) for state in (h, c))
    steps = []
    for at in reversed(range(len(x))) if reverse else range(len(x)):
        gates = torch.addmm(bias, x[at], w_input.t()) + torch.mm(h, w_hidden.t())
        input_gate, forget_gate, cell, output_gate = gates.chunk(4, dim=1)
        c = forget_gate.sigmoid() * c + input_gate.sigmoid() * cell.tanh()
        h = output_gate.sigmoid() * c.tanh()
        steps.append(h)
    return torch.stack(steps[::-1] if reverse else steps), h, c, x.new_empty(0)
