"""PyTorch's functions, seen before its dispatcher: shortcuts, and numbers that leave PyTorch or come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch._C import _DisableTorchDispatch, _is_any_autocast_enabled, _len_torch_dispatch_stack
from torch._C._functorch import get_dynamic_layer_stack_depth
from torch.nn import Parameter
from torch.overrides import TorchFunctionMode

from cnnfix_core.engine.shortcuts import Direct, Shortcut, shortcuts

_LEAVING = {Tensor.numpy, Tensor.tolist, Tensor.item, Tensor.__float__, Tensor.__array__, Tensor.__dlpack__}
_PLAIN = {Tensor, Parameter, int, float, bool, type(None)}  # asking whether something else is a tensor takes 1 µs
_ASSIGNING: Any = Tensor.data.__set__  # type: ignore[attr-defined]
_ENTERING = {torch.tensor, torch.as_tensor, torch.asarray, torch.from_numpy, torch.frombuffer, Tensor.new_tensor}


class Recorder(Protocol):
    """What records operators, and is told what leaves and enters."""

    steps: int  # how many operators were computed so far

    def direct(self, step: Direct, *args: Any) -> Any:
        """Compute and record an operator."""

    def left(self, tensor: Tensor, how: str) -> None:
        """The values of a tensor became plain numbers through a method of this name."""

    def assigned(self, tensor: Tensor, other: Tensor) -> None:
        """A tensor is about to become the same memory as another."""

    def disguised(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function that may return what operators computed as tensors of another class."""

    def entered(self, tensor: Tensor, how: Callable[..., Any]) -> None:
        """A tensor was made of plain numbers by this function."""


class Functions(TorchFunctionMode):
    """Sees the functions that are called, in this thread. Enter it before the dispatch mode of the recorder.

    Besides, `torch.nn.TransformerEncoder` and its parts take no fused fast path while such a mode is active.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        shortcut = shortcuts.get(func)
        if (
            shortcut is not None
            and _only_recorded()
            and _are_plain(args)
            and (not kwargs or _are_plain(kwargs.values()))
        ):
            taken, result = self._taken(shortcut, args, kwargs or {})
            if taken:
                return result
        if func == _ASSIGNING:
            self._recorder.assigned(*args)
        if not types or _PLAIN.issuperset(types):
            result = func(*args, **(kwargs or {}))
        else:
            result = self._recorder.disguised(func, args, kwargs or {})
        if func in _LEAVING:
            self._recorder.left(args[0], func.__name__)
        elif func in _ENTERING:
            self._recorder.entered(result, func)
        return result

    def _taken(self, shortcut: Shortcut, args: Any, kwargs: Any) -> tuple[bool, Any]:
        """Whether the shortcut could be taken, and the result."""
        before = self._recorder.steps
        try:
            with _DisableTorchDispatch():
                return True, shortcut(self._recorder.direct, *args, **kwargs)
        except Exception:
            if self._recorder.steps != before:
                raise
            return False, None  # PyTorch then computes it, or says in its own words what is wrong


def _only_recorded() -> bool:
    """Whether nothing but the recorder would see, or change, what a function hands to the dispatcher."""
    return not (
        _len_torch_dispatch_stack() != 1
        or _is_any_autocast_enabled()
        or get_dynamic_layer_stack_depth()
        or torch.is_grad_enabled()
    )


def _are_plain(args: Iterable[Any]) -> bool:
    """Whether all tensors among these, also in lists, are of PyTorch's own kind, which no class overrides."""
    for item in args:
        if type(item) in _PLAIN:
            continue
        if isinstance(item, (list, tuple)):
            if not _are_plain(item):
                return False
        elif isinstance(item, Tensor):
            return False
    return True
