"""A copy of a network on which libraries may register hooks."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn


def with_own_hooks(module: nn.Module) -> nn.Module:
    """A copy of the modules that shares the weights, so that hooks on it do not affect other users of the model."""
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*module.parameters(), *module.buffers())}
    own = copy.deepcopy(module, shared).eval()
    for child in own.modules():
        if hasattr(child, "inplace"):
            child.inplace = False  # type: ignore[assignment]  # a layer's output must not change after a hook has seen it
    return own
