"""Run a module in evaluation mode and leave it unchanged, even while other threads do the same."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cnnfix_core.engine.aliasing import memory_of

_lock = threading.Lock()
# Modules that were in training mode, by id, with the number of threads that need them in evaluation mode.
_switched: dict[int, tuple[nn.Module, int]] = {}


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[Callable[[Tensor], None]]:
    """Put a module in evaluation mode, and restore its mode, parameters and buffers afterwards, even after an error.

    Yields a function to call before a tensor is written to. The mode is set on each submodule directly, because
    overridden `train()` and `eval()` methods may do more. The last thread to leave restores the mode.
    """
    children = list(module.modules())
    switched = _enter_evaluation(children)
    held = (tensor for child in children for tensor in (*child.parameters(False), *child.buffers(False)))
    tensors = [tensor for tensor in {id(tensor): tensor for tensor in held}.values() if not is_lazy(tensor)]
    owned: dict[int, list[Tensor]] = defaultdict(list)
    saved: list[tuple[Tensor, Tensor]] = []

    def before_write(tensor: Tensor) -> None:
        while tensors:  # grouped by memory only now: most networks never write to their tensors
            own = tensors.pop().detach()
            owned[memory_of(own)].append(own)
        originals = owned.pop(memory_of(tensor), [])
        saved.extend((original, original.clone()) for original in originals)

    try:
        yield before_write
    finally:
        for original, copy in saved:
            original.copy_(copy)
        _leave_evaluation(switched)


def _enter_evaluation(children: list[nn.Module]) -> list[nn.Module]:
    with _lock:
        # Frozen TorchScript modules have no mode.
        switched = [child for child in children if getattr(child, "training", False) or id(child) in _switched]
        for child in switched:
            _, users = _switched.get(id(child), (child, 0))
            _switched[id(child)] = (child, users + 1)
            child.training = False
        return switched


def _leave_evaluation(switched: list[nn.Module]) -> None:
    with _lock:
        for child in switched:
            _, users = _switched.pop(id(child))
            if users > 1:
                _switched[id(child)] = (child, users - 1)
            else:
                child.training = True
