"""Biases that are computed from the input: recorded as a sum, so that walks follow them as any other term."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

aten = torch.ops.aten
# Called with an operator and its arguments; computes and records it.
Do = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


class Biased(NamedTuple):
    """Where an operator has its bias, and what computes the same with a sum in its place."""

    at: int
    as_sum: Callable[..., Any]


def _product(do: Do, _: Any, bias: Tensor, a: Tensor, b: Tensor, beta: float = 1, alpha: float = 1) -> Any:
    product, added = do(aten.mm.default, (a, b), {}), bias
    if alpha != 1:
        product = do(aten.mul.Tensor, (product, alpha), {})
    if beta != 1:
        added = do(aten.mul.Tensor, (bias, beta), {})
    return do(aten.add.Tensor, (product, added), {})


def _convolution(do: Do, operator: Any, x: Tensor, weight: Tensor, bias: Tensor, *rest: Any) -> Any:
    result = do(operator, (x, weight, None, *rest), {})
    return do(aten.add.Tensor, (result, _of_channels(do, bias, weight.dim() - 1)), {})


def _channel_norm(do: Do, operator: Any, x: Tensor, scale: Tensor | None, shift: Tensor, *rest: Any) -> Any:
    each = [one if one is None else _of_channels(do, one, x.dim() - 1) for one in (scale, shift)]
    return _scaled(do, do(operator, (x, None, None, *rest), {}), *each)


def _layer_norm(do: Do, operator: Any, x: Tensor, shape: Any, scale: Tensor | None, shift: Tensor, eps: float) -> Any:
    return _scaled(do, do(operator, (x, shape, None, None, eps), {}), scale, shift)


def _scaled(do: Do, results: Any, scale: Tensor | None, shift: Tensor | None) -> Any:
    result, *others = results
    if scale is not None:
        result = do(aten.mul.Tensor, (result, scale), {})
    return (do(aten.add.Tensor, (result, shift), {}), *others)


def _of_channels(do: Do, each: Tensor, dims: int) -> Any:
    """A number for each channel, to be broadcast over the `dims` - 1 dimensions after it."""
    return do(aten.view.default, (each, [-1, *[1] * (dims - 1)]), {})


BIASED = {
    "aten.addmm": Biased(0, _product),
    "aten.convolution": Biased(2, _convolution),
    "aten._convolution": Biased(2, _convolution),
    "aten.native_batch_norm": Biased(2, _channel_norm),
    "aten.native_group_norm": Biased(2, _channel_norm),
    "aten.native_layer_norm": Biased(3, _layer_norm),
}
