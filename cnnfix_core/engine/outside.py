"""Numbers that leave PyTorch during a recording, and the tensors that may have been made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_LEAVING = {Tensor.numpy, Tensor.tolist, Tensor.item, Tensor.__float__, Tensor.__array__}
_ENTERING = {torch.tensor, torch.as_tensor, torch.asarray, torch.from_numpy, torch.frombuffer, Tensor.new_tensor}


class Watcher(Protocol):
    """Is told what leaves and enters."""

    def left(self, tensor: Tensor, how: str) -> None:
        """The values of a tensor became plain numbers through a method of this name."""

    def entered(self, tensor: Tensor, how: Callable[..., Any]) -> None:
        """A tensor was made of plain numbers by this function."""


class Outside(TorchFunctionMode):
    """Watches the border between tensors and plain numbers, in this thread.

    Besides, `torch.nn.TransformerEncoder` and its parts take no fused fast path while such a mode is active.
    """

    def __init__(self, watcher: Watcher) -> None:
        super().__init__()
        self._watcher = watcher

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in _LEAVING:
            self._watcher.left(args[0], func.__name__)
        elif func in _ENTERING:
            self._watcher.entered(result, func)
        return result
