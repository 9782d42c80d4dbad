"""Operations that are recorded as simpler ones: fused kernels whose inside a walk has to see."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch._decomp import get_decompositions

aten = torch.ops.aten


def apart(operator: Any) -> Callable[..., Any] | None:
    """The function that computes the same as the operator with simpler ones, for those that are to be seen so."""
    return _apart().get(operator) or (operator.decompose if _is_composite(operator) else None)


@cache
def _apart() -> dict[Any, Callable[..., Any]]:
    return {
        **get_decompositions([aten.addcmul, aten.addcdiv, aten.glu, aten.lerp, aten.baddbmm]),
        aten.mkldnn_rnn_layer.default: lstm_layer,
    }


def _is_composite(operator: Any) -> bool:
    """Whether PyTorch itself only composes it of others; called by modules such operators never arrive whole."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), "CompositeImplicitAutograd")


def lstm_layer(x: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One layer of a long short-term memory in one direction (Hochreiter, Schmidhuber 1997), as torch.nn.LSTM has it.

    x: (T, batch, features). rest: the weights of the gates (input, forget, cell, output) from x and from the state,
    their biases, state and cell of (batch, hidden), whether time runs backwards, and settings, the biases' presence
    among them.
    """
    w_input, w_hidden, *biases, h, c, reverse, _, _, _, _, has_biases = rest[:12]
    bias = sum(biases) if has_biases else w_input.new_zeros(len(w_input))
    h, c = (state.reshape(state.shape[-2:]) for state in (h, c))
    steps = []
    for at in reversed(range(len(x))) if reverse else range(len(x)):
        gates = torch.addmm(bias, x[at], w_input.t()) + torch.mm(h, w_hidden.t())
        enter, forget, cell, leave = gates.chunk(4, dim=1)
        c = forget.sigmoid() * c + enter.sigmoid() * cell.tanh()
        h = leave.sigmoid() * c.tanh()
        steps.append(h)
    return torch.stack(steps[::-1] if reverse else steps), h, c, x.new_empty(0)
