"""Fused operations that are recorded as simpler ones, so that a walk can follow their steps."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._decomp import get_decompositions

aten = torch.ops.aten


def decomposition_of(operator: Any) -> Callable[..., Any] | None:
    """A function that computes the operator with simpler ones; None if the operator is recorded as it is."""
    return (
        _decompositions().get(operator)
        or _in_place(operator)
        or (operator.decompose if _is_composite(operator) else None)
    )


def _in_place(operator: Any) -> Callable[..., Any] | None:
    """The same for an operator that writes its result over its first argument, such as lerp_ beside lerp."""
    library, _, name = operator._schema.name.partition("::")
    if library != "aten" or not name.endswith("_") or name.startswith("__"):
        return None
    beside = getattr(getattr(aten, name[:-1], None), operator._overloadname, None)
    apart = _decompositions().get(beside)
    return None if apart is None else lambda x, *rest, **options: x.copy_(apart(x, *rest, **options))


@cache
def _decompositions() -> dict[Any, Callable[..., Any]]:
    return {
        **get_decompositions([aten.addcmul, aten.addcdiv, aten.glu, aten.lerp, aten.baddbmm]),
        aten.addmv.default: lambda x, a, b, beta=1, alpha=1: beta * x + alpha * a.mv(b),
        aten.addbmm.default: lambda x, a, b, beta=1, alpha=1: beta * x + alpha * torch.bmm(a, b).sum(0),
        aten.addr.default: lambda x, a, b, beta=1, alpha=1: beta * x + alpha * a[:, None] * b,
        aten.conv_tbc.default: lambda x, weight, bias, pad=0: F.conv1d(
            x.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad
        ).permute(2, 0, 1),
        aten._sparse_addmm.default: lambda bias, a, b, beta=1, alpha=1: (
            torch.addmm(bias, a, b, beta=beta, alpha=alpha) if beta else a @ b * alpha
        ),
        aten.nansum.default: lambda x, *rest, **options: torch.where(x.isnan(), 0, x).sum(*rest, **options),
        aten.hypot.default: lambda a, b: (a.square() + b.square()).sqrt(),
        aten.logaddexp.default: lambda a, b: torch.stack(torch.broadcast_tensors(a, b)).logsumexp(0),
        aten._trilinear.default: trilinear,
        aten.mkldnn_rnn_layer.default: lstm_layer,
        aten._native_multi_head_attention.default: attention_layer,
        aten._transformer_encoder_layer_fwd.default: encoder_layer,
    }


def _is_composite(operator: Any) -> bool:
    """Whether PyTorch computes the operator only with other operators."""
    return torch._C._dispatch_has_kernel_for_dispatch_key(operator.name(), "CompositeImplicitAutograd")


def trilinear(
    a: Tensor, b: Tensor, c: Tensor, at_a: list[int], at_b: list[int], at_c: list[int], sums: list[int], _: int = 1
) -> Tensor:
    """The product of three tensors with new dimensions at these places, summed over some, as in torch.nn.Bilinear."""
    for places, number in ((at_a, 0), (at_b, 1), (at_c, 2)):
        for place in places:
            a, b, c = (x.unsqueeze(place) if at == number else x for at, x in enumerate((a, b, c)))
    product = (a * c) * b
    return product.sum(sums) if sums else product


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


def attention_layer(
    query: Tensor, key: Tensor, value: Tensor, _width: int, heads: int, *rest: Any, **options: Any
) -> tuple[Tensor, Tensor | None]:
    """The fused form of torch.nn.MultiheadAttention (Vaswani et al., NeurIPS 2017, section 3.2.2).

    Args:
        query: (B, L, E).
        key: (B, S, E).
        value: (B, S, E).
        heads: The number of heads.
        rest: Weights (3 E, E) and biases (3 E,) of the three projections, weights and biases of the last one, and
            settings of the operator. Of the mask, boolean True marks what is not seen; its type is 0 for (L, S), 1 for
            (B, S), else it broadcasts to (B, heads, L, S).
        options: The same settings by name.

    Returns:
        (B, L, E), and the attention weights if they are asked for: (B, L, S), or (B, heads, L, S) if not averaged.
    """
    weights, biases, last_weight, last_bias, *settings = rest
    names = ("mask", "need_weights", "average_attn_weights", "mask_type")
    given = {"need_weights": True, "average_attn_weights": True, **dict(zip(names, settings, strict=False)), **options}
    q, k, v = (
        F.linear(x, weight, bias).unflatten(-1, (heads, -1)).transpose(1, 2)
        for x, weight, bias in zip((query, key, value), weights.chunk(3), biases.chunk(3), strict=True)
    )
    logits = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    mask, kind = given.get("mask"), given.get("mask_type")
    if mask is not None:
        mask = mask[:, None, None] if kind == 1 else mask
        logits = logits.masked_fill(mask, -torch.inf) if mask.dtype == torch.bool else logits + mask
    seen = logits.softmax(-1)
    out = F.linear((seen @ v).transpose(1, 2).flatten(2), last_weight, last_bias)
    if not given["need_weights"]:
        return out, None
    return out, seen.mean(1) if given["average_attn_weights"] else seen


def encoder_layer(src: Tensor, width: int, heads: int, *rest: Any) -> Tensor:
    """The fused form of torch.nn.TransformerEncoderLayer (Vaswani et al., NeurIPS 2017, section 3.1).

    Args:
        src: (B, L, E).
        width: E.
        heads: The number of heads.
        rest: Weights and biases of the attention, whether the activation is a GELU, whether layers are normalised
            first, epsilon, weights and biases of the normalisations and of the two linear layers, mask and its type.
    """
    *attention, gelu, first, eps = rest[:7]
    scale_1, shift_1, scale_2, shift_2, *linear = rest[7:15]
    mask, kind = (*rest[15:], None, None)[:2]

    def attended(x: Tensor) -> Tensor:
        return attention_layer(x, x, x, width, heads, *attention, mask, False, True, kind)[0]

    def fed_forward(x: Tensor) -> Tensor:
        hidden = F.linear(x, *linear[:2])
        return F.linear(F.gelu(hidden) if gelu else F.relu(hidden), *linear[2:])

    def normalised(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.layer_norm(x, (width,), scale, shift, eps)

    if first:
        src = src + attended(normalised(src, scale_1, shift_1))
        return src + fed_forward(normalised(src, scale_2, shift_2))
    src = normalised(src + attended(src), scale_1, shift_1)
    return normalised(src + fed_forward(src), scale_2, shift_2)
