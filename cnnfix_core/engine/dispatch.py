"""Code that computes every tensor operation in PyTorch's place, such as a recorder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

Compute = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


def computed_by(compute: Compute) -> TorchDispatchMode:
    """A context in which `compute(operator, arguments, options)` is called for every operator, in this thread.

    PyTorch keeps its compiler from compiling what a mode does. That guard imports the whole compiler, a second, and
    takes 3 of 14 µs per operation, so it is there only where something was compiled.
    """
    return (_Guarded if "torch._dynamo" in sys.modules else _Plain)(compute)


class _Computed:
    """Not a mode itself: PyTorch guards the function where a mode's class has it, and not where it is inherited."""

    supports_higher_order_operators = True

    def __init__(self, compute: Compute) -> None:
        super().__init__()
        self._compute = compute

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._compute(func, args, kwargs or {})


class _Plain(_Computed, TorchDispatchMode):
    pass


class _Guarded(_Computed, TorchDispatchMode):
    __torch_dispatch__ = _Computed.__torch_dispatch__
