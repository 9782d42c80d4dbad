"""Networks without weights, and with random weights.

Constructors initialise some weights several times, which is slow, and some so that their layers output almost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from cnnfix_core.engine import computed_by, memory_of

_BIAS = 0.1
# A scale below this switches its branch off until it is trained.
_SILENT = 0.01
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@contextmanager
def shapes_alone() -> Iterator[None]:
    """Create weights on the meta device: they take no memory, only shapes.

    With the device as a context manager, small tensors that constructors compute with would be on it too.
    """

    def compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func is torch.ops.aten.empty.memory_format:
            kwargs = {**kwargs, "device": "meta"}
        return func(*args, **kwargs)

    with computed_by(compute):
        yield


@contextmanager
def without_random_weights() -> Iterator[dict[int, Tensor]]:
    """Replace random initialisation by zeros; yields these tensors, by the address of their memory."""
    drawn: dict[int, Tensor] = {}  # keeps them, so that no other tensor gets their addresses

    def compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if func in {torch.ops.aten.normal_.default, torch.ops.aten.uniform_.default}:
            tensor: Tensor = args[0]
            drawn[memory_of(tensor)] = tensor
            return tensor.zero_()
        return func(*args, **kwargs)

    with computed_by(compute):
        yield drawn


def draw_weights(module: nn.Module, drawn: dict[int, Tensor], seed: int = 0) -> None:
    """Initialise weights so that activations keep their scale through all layers; the same for the same seed.

    Only tensors that the constructor initialised at random are drawn (a standard deviation of sqrt(2 / inputs) for
    weights). Scales of normalisations and branches that start near zero become 1.
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
    """Whether a parameter is a scale: one number per channel, or a single number."""
    return "bias" not in name and parameter.is_floating_point() and parameter.numel() == max(parameter.shape, default=1)
