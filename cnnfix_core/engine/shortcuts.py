"""Frequent functions of PyTorch, recorded without asking its dispatcher which operators they consist of.

The dispatcher tells Python of an operator at a cost of 20 to 40 µs, as much as many small layers take. A function mode
hears of a function for a fraction of that. What is here says which operators a function then calls, so that the tape
is the same, and each is computed by the same kernel. A new line makes recording faster, never different.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

aten = torch.ops.aten


class Direct(NamedTuple):
    """An operator, and the function that computes it and nothing else.

    apart: for an operator that writes to its first argument: the function that computes the same in new memory.
    """

    operator: Any
    call: Callable[..., Any]
    apart: Callable[..., Any] | None = None


Do = Callable[..., Any]
# Called with `do(direct, *arguments)`, which computes and records an operator, and with the function's own arguments.
# Returns what the function would. Raises any error, before it calls `do`, where it does not know what happens.
Shortcut = Callable[..., Any]

shortcuts: dict[Callable[..., Any], Shortcut] = {}


def _for(*functions: Callable[..., Any]) -> Callable[[Shortcut], Shortcut]:
    def register(shortcut: Shortcut) -> Shortcut:
        shortcuts.update(dict.fromkeys(functions, shortcut))
        return shortcut

    return register


def _only_if(known: bool) -> None:
    if not known:
        raise TypeError("only the dispatcher knows")


_CONVOLUTION = Direct(aten.convolution.default, torch.convolution)
_BATCH_NORM = Direct(aten.native_batch_norm.default, torch.native_batch_norm)
_LAYER_NORM = Direct(aten.native_layer_norm.default, torch.native_layer_norm)
_ADD = Direct(aten.add.Tensor, torch.add)
_ADD_ = Direct(aten.add_.Tensor, Tensor.add_, torch.add)
_MUL = Direct(aten.mul.Tensor, torch.mul)
_CAT = Direct(aten.cat.default, torch.cat)
_PERMUTE = Direct(aten.permute.default, torch.permute)
_TRANSPOSE = Direct(aten.transpose.int, torch.transpose)
_VIEW = Direct(aten.view.default, Tensor.view)
_ADDMM = Direct(aten.addmm.default, torch.addmm)
_GELU = Direct(aten.gelu.default, torch._C._nn.gelu)
_HARDTANH = Direct(aten.hardtanh.default, torch._C._nn.hardtanh)
_HARDTANH_ = Direct(aten.hardtanh_.default, torch._C._nn.hardtanh_)


def _activation(name: str, home: Any, *functions: Callable[..., Any]) -> None:
    """Functions of one tensor that may write to it."""
    new, over = (Direct(getattr(aten, one).default, getattr(home, one)) for one in (name, name + "_"))
    _for(*functions)(lambda do, x, inplace=False: do(over if inplace else new, x))


_activation("relu", torch, F.relu, torch.relu, Tensor.relu)
_activation("sigmoid", torch, torch.sigmoid, Tensor.sigmoid)
_activation("silu", torch._C._nn, F.silu)
_activation("hardswish", torch._C._nn, F.hardswish)
_activation("hardsigmoid", torch._C._nn, F.hardsigmoid)


@_for(F.gelu)
def _gelu(do: Do, x: Tensor) -> Any:
    return do(_GELU, x)


@_for(F.hardtanh)
def _hardtanh(do: Do, x: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    return do(_HARDTANH_ if inplace else _HARDTANH, x, min_val, max_val)


@_for(torch.conv2d)
def _conv2d(  # noqa: PLR0913  # PyTorch's
    do: Do,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    _only_if(x.dim() == 4)
    return do(_CONVOLUTION, x, weight, bias, _pair(stride), _pair(padding), _pair(dilation), False, [0, 0], groups)


def _pair(size: int | Sequence[int] | str) -> list[int]:
    if isinstance(size, int):
        return [size, size]
    _only_if(isinstance(size, (tuple, list)))
    return list(size)  # type: ignore[arg-type]


@_for(F.batch_norm)
def _batch_norm(  # noqa: PLR0913  # PyTorch's
    do: Do,
    x: Tensor,
    mean: Tensor | None,
    variance: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    _only_if(x.is_cpu and not training)  # GPUs have operators of their own
    return do(_BATCH_NORM, x, weight, bias, mean, variance, False, momentum, eps)[0]


@_for(F.layer_norm)
def _layer_norm(
    do: Do,
    x: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Any:
    _only_if(x.is_cpu)
    return do(_LAYER_NORM, x, list(normalized_shape), weight, bias, eps)[0]


@_for(F.linear)
def _linear(do: Do, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    _only_if(bias is not None and x.dim() > 1 and x.is_contiguous() and weight.dim() == 2)
    if x.dim() == 2:
        return do(_ADDMM, bias, x, weight.t())
    *before, width = x.shape
    rows = do(_VIEW, x, [x.numel() // width, width])
    return do(_VIEW, do(_ADDMM, bias, rows, weight.t()), [*before, len(weight)])


@_for(torch.add, Tensor.add)
def _add(do: Do, x: Any, other: Any) -> Any:
    _only_if(isinstance(x, Tensor) and isinstance(other, Tensor))
    return do(_ADD, x, other)


@_for(Tensor.add_)  # and +=
def _add_(do: Do, x: Tensor, other: Any) -> Any:
    _only_if(isinstance(other, Tensor))
    return do(_ADD_, x, other)


@_for(torch.mul, Tensor.mul)
def _mul(do: Do, x: Any, other: Any) -> Any:
    _only_if(isinstance(x, Tensor) and isinstance(other, Tensor))
    return do(_MUL, x, other)


@_for(torch.cat)
def _cat(do: Do, tensors: Sequence[Tensor], dim: int = 0) -> Any:
    return do(_CAT, list(tensors), *([dim] if dim else []))


@_for(torch.permute, Tensor.permute)
def _permute(do: Do, x: Tensor, *dims: Any) -> Any:
    return do(_PERMUTE, x, _listed(dims))


@_for(torch.transpose, Tensor.transpose)
def _transpose(do: Do, x: Tensor, dim0: int, dim1: int) -> Any:
    return do(_TRANSPOSE, x, *_listed((dim0, dim1)))


@_for(Tensor.view)
def _view(do: Do, x: Tensor, *shape: Any) -> Any:
    return do(_VIEW, x, _listed(shape))


def _listed(sizes: tuple[Any, ...]) -> list[int]:
    listed = list(sizes[0] if isinstance(sizes[0], (tuple, list)) else sizes)
    _only_if(all(type(size) is int for size in listed))
    return listed
