"""Run a module in evaluation mode and leave it unchanged, even while other threads do the same."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn, strided
from torch.nn import Parameter
from torch.nn.parameter import is_lazy
from torch.random import fork_rng

from cnnfix_core.engine.aliasing import layout_of, memory_of
from cnnfix_core.engine.dispatch import computed_by
from cnnfix_core.engine.parts import own_tensors, submodules

aten = torch.ops.aten
# With running mean, running variance, and whether in training, as the fourth argument and those after it.
_BATCH_NORMS = (aten.native_batch_norm.default, aten.cudnn_batch_norm.default, aten.miopen_batch_norm.default)
_lock = threading.Lock()
# Modules that were in training mode, by id, with the number of threads that need them in evaluation mode.
_switched: dict[int, tuple[nn.Module, int]] = {}


@contextmanager
def left_alone(module: nn.Module) -> Iterator[None]:
    """Put a module in evaluation mode, and undo afterwards what running it changed: see `undisturbed`."""
    with undisturbed(submodules(module).values()) as changes:
        changes.before_any_assignment()

        def compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            for at, name in _writes(func):
                written: Any = args[at] if at < len(args) else kwargs.get(name)
                for tensor in written if isinstance(written, list | tuple) else [written]:
                    changes.before_write(tensor)
            for tensor in written_silently(func, args):
                changes.before_write(tensor)
            return func(*args, **kwargs)

        with computed_by(compute):
            yield


class Changes:
    """What a module does to its own parameters and buffers while it runs."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        # What a lazy module gets while it runs is not restored to what it never was.
        self._held = [tensor for child in modules for tensor in own_tensors(child) if not is_lazy(tensor)]
        self._owned: dict[int, list[Tensor]] | None = None
        self._saved: list[tuple[Tensor, Tensor]] = []
        self._assigned: list[tuple[Tensor, Tensor]] = []

    @property
    def gpus(self) -> list[int]:
        """The GPUs with weights of the module, whose random numbers it may draw."""
        devices = {tensor.device for tensor in self._held} if torch.cuda.is_initialized() else ()
        return sorted(device.index or 0 for device in devices if device.type == "cuda")

    def before_write(self, tensor: Tensor) -> bool:
        """Save what lies in a tensor's memory before it is written to. Returns whether that is the module's own."""
        if self._owned is None:  # grouped by memory only now: most networks never write to their tensors
            self._owned = defaultdict(list)
            for own in {id(tensor): tensor.detach() for tensor in self._held}.values():
                self._owned[memory_of(own)].append(own)
        originals = self._owned.pop(memory_of(tensor), [])
        self._saved.extend((original, original.clone()) for original in originals)
        return bool(originals)

    def before_assignment(self, tensor: Tensor) -> bool:
        """Save the memory of a tensor before its `data` becomes another's, if it is the module's. Returns whether."""
        own = any(one is tensor for one in self._held)
        if own:
            self._assigned.append((tensor, tensor.detach()))
        return own

    def before_any_assignment(self) -> None:
        """Do so for all tensors of the module, where nobody hears of assignments."""
        plain = (tensor for tensor in self._held if type(tensor) in (Tensor, Parameter) and tensor.layout is strided)
        self._assigned += [(tensor, tensor.detach()) for tensor in plain]

    def undo(self) -> None:
        """Restore everything."""
        for tensor, memory in reversed(self._assigned):
            if memory_of(tensor) != memory_of(memory) or layout_of(tensor) != layout_of(memory):
                tensor.data = memory
        for original, copy in self._saved:
            original.copy_(copy)


@contextmanager
def undisturbed(modules: Iterable[nn.Module]) -> Iterator[Changes]:
    """Put a module and all inside it in evaluation mode, and restore everything afterwards, even after an error.

    Their mode, parameters and buffers are restored, and PyTorch's random numbers go on as if they had not run. Yields
    what to tell before a tensor is written to, or gets other memory. The mode is set on each submodule directly,
    because overridden `train()` and `eval()` methods may do more. The last thread to leave restores the mode.
    """
    modules = list(modules)
    switched = _enter_evaluation(modules)
    filled: list[Any] = [
        held for child in modules for held in (child._parameters, child._buffers) if held and type(held) is dict
    ]
    registered = [(held, dict(held)) for held in filled]
    changes = Changes(modules)
    try:
        with fork_rng(changes.gpus):
            yield changes
    finally:
        changes.undo()
        for held, before in registered:
            held.update(before)
        _leave_evaluation(switched)


def written_silently(func: Any, args: tuple[Any, ...]) -> list[Tensor]:
    """The tensors that an operator writes although its schema does not say so: batch norm statistics in training."""
    return [one for one in args[3:5] if isinstance(one, Tensor)] if writes_silently(func, args) else []


def writes_silently(func: Any, args: tuple[Any, ...]) -> bool:
    """Whether an operator is a batch norm in training."""
    return func in _BATCH_NORMS and bool(args[5])


@cache
def _writes(func: Any) -> tuple[tuple[int, str], ...]:
    """Which arguments an operator writes to, with their names."""
    schema = getattr(func, "_schema", None)  # what calls other operators, such as a condition, has none
    return tuple((at, one.name) for at, one in enumerate(schema.arguments if schema else ()) if one.is_write)


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
