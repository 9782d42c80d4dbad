"""A copy of a network that libraries may set hooks on."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn


def with_own_hooks(module: nn.Module) -> nn.Module:
    """A copy of the modules that shares the weights: hooks on it touch nobody else who uses the model."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    own = copy.deepcopy(module, shared).eval()
    for child in own.modules():
        if hasattr(child, "inplace"):
            child.inplace = False  # type: ignore[assignment]  # a layer's output must stay what the hook saw
    return own
