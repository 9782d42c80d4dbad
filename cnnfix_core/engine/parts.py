"""The parts of a module: its submodules and the tensors that they hold.

PyTorch's `named_modules` and `parameters` find the same; for a network of many small operations they take as long as
some of its layers.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn


def submodules(module: nn.Module) -> dict[str, nn.Module]:
    """The module and all modules inside it, each once, under the names of `module.named_modules()`."""
    found: dict[nn.Module, str] = {}
    _find(module, "", found)
    return {name: child for child, name in found.items()}


def _find(module: nn.Module, name: str, found: dict[nn.Module, str]) -> None:
    if module in found:
        return
    found[module] = name
    for key, child in module._modules.items():
        if child is not None:
            _find(child, f"{name}.{key}" if name else key, found)


def own_tensors(module: nn.Module) -> Iterator[Tensor]:
    """The parameters and buffers that the module itself holds."""
    for held in (module._parameters, module._buffers):
        for tensor in held.values():
            if tensor is not None:
                yield tensor
