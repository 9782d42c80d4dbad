"""Run a module in evaluation mode and leave it as it was, while other threads may do the same."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from cnnfix_core.engine.aliasing import memory_of

_lock = threading.Lock()
# Modules that were in training mode, by identity, with how many threads now need them in evaluation mode.
_switched: dict[int, tuple[nn.Module, int]] = {}


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[Callable[[Tensor], None]]:
    """Evaluation mode inside; mode, parameters and buffers as before afterwards, also when something fails.

    Gives a function to call before a tensor is written to. The mode is set on each module directly: `train()` and
    `eval()` may be overridden and do more. The last thread that leaves puts the mode back.
    """
    children = list(module.modules())
    switched = _enter_evaluation(children)
    held = (tensor for child in children for tensor in (*child.parameters(False), *child.buffers(False)))
    tensors = [tensor for tensor in {id(tensor): tensor for tensor in held}.values() if not is_lazy(tensor)]
    owned: dict[int, list[Tensor]] = defaultdict(list)
    saved: list[tuple[Tensor, Tensor]] = []

    def before_write(tensor: Tensor) -> None:
        while tensors:  # sorted by their memory only now: most networks never write to what they hold
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
        # Frozen scripts are in no mode.
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
