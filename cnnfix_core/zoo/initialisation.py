"""Networks without weights, and with random ones.

Constructors draw theirs several times over, and some so that nothing gets through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from cnnfix_core.engine import memory_of

_BIAS = 0.1
# A scale that starts below this keeps its branch silent until it is trained.
_SILENT = 0.01
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class _Undrawn(TorchDispatchMode):
    """Fills with zeros what should be filled with random numbers, and remembers where."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.drawn: dict[int, Tensor] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in {torch.ops.aten.normal_.default, torch.ops.aten.uniform_.default}:
            tensor: Tensor = args[0]
            self.drawn[memory_of(tensor)] = tensor  # kept, so that no other tensor gets its address
            return tensor.zero_()
        return func(*args, **(kwargs or {}))


class _Shapes(TorchDispatchMode):
    """Puts what is made empty, to be filled, on the meta device.

    The device as a context would take also the small tensors that constructors count with.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.ops.aten.empty.memory_format:
            kwargs = {**kwargs, "device": "meta"}
        return func(*args, **kwargs)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Inside, weights take no memory."""
    with _Shapes():  # type: ignore[no-untyped-call]
        yield


@contextmanager
def undrawn() -> Iterator[dict[int, Tensor]]:
    """Inside, tensors that are filled at random become zero; gives these tensors by the address of their memory."""
    with _Undrawn() as mode:
        yield mode.drawn


def draw(module: nn.Module, drawn: dict[int, Tensor], seed: int = 0) -> None:
    """Weights under which activations stay alive through all layers, the same for the same seed.

    Only what the constructor drew at random is drawn (a standard deviation of sqrt(2 / inputs) for weights), so what
    it computed stays. Scales of normalisations and branches that begin at almost nothing become 1.
    """
    generator = torch.Generator().manual_seed(seed)
    transposed = {id(child.weight) for child in module.modules() if isinstance(child, _TRANSPOSED)}
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if memory_of(parameter) in drawn:
                parameter.normal_(std=_spread(parameter, id(parameter) in transposed), generator=generator)
            elif _is_scale(name, parameter) and bool((parameter.abs() < _SILENT).all()):
                parameter.fill_(1)


def _spread(parameter: Tensor, transposed: bool) -> float:
    if parameter.ndim < 2:
        return _BIAS
    inputs = parameter[:, 0].numel() if transposed else parameter[0].numel()
    return float((2 / max(1, inputs)) ** 0.5)


def _is_scale(name: str, parameter: Tensor) -> bool:
    """One number a channel, or a single one."""
    return "bias" not in name and parameter.is_floating_point() and parameter.numel() == max(parameter.shape, default=1)
