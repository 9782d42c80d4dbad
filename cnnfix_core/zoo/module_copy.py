"""Copies of a network's modules: for hooks of one's own, for other weights, for other devices."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from types import MethodType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)

# Wrappers that compute what the module in them computes: on several devices, or compiled.
_PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def unwrapped(module: nn.Module) -> nn.Module:
    """The module without wrappers that hide its layers: `DataParallel` and `torch.compile`. The weights are shared."""
    while (inner := _inside(module)) is not None:
        module = inner
    wrapped = any(_inside(child) is not None or _is_compiled(child) for child in module.modules())
    plain: nn.Module = _Copies().of(module) if wrapped else module
    return plain


def with_own_hooks(module: M) -> M:
    """A copy of the modules that shares the weights, so that hooks on it do not affect other users of the model.

    Only modules are copied, and the containers and methods that hold them. All else is shared, such as locks, open
    files and generators, which cannot be copied. TorchScript, which has no hooks, is not copied at all.
    """
    own: M = _Copies().of(module)
    for child in own.modules():
        if isinstance(child, torch.jit.ScriptModule):
            continue
        child.training = False
        if hasattr(child, "inplace"):
            child.inplace = False  # type: ignore[assignment]  # a layer's output must not change after a hook has seen it
    return own


def with_weights(module: M, change: Callable[[Tensor], Tensor]) -> M:
    """A copy of the modules with changed weights, buffers and other tensors; the originals are kept as they are."""
    if isinstance(module, torch.jit.ScriptModule):
        scripted: M = copy.deepcopy(module)._apply(change)  # type: ignore[no-untyped-call]  # of PyTorch
        return scripted
    own: M = _Copies(change).of(module)
    return own


def _inside(module: nn.Module) -> nn.Module | None:
    inner = module.module if isinstance(module, _PARALLEL) else getattr(module, "_orig_mod", None)
    return inner if isinstance(inner, nn.Module) else None


def _is_compiled(module: nn.Module) -> bool:
    return getattr(module, "_compiled_call_impl", None) is not None


class _Copies:
    """What was copied so far, by the identity of the original. change: of tensors; None to share them."""

    def __init__(self, change: Callable[[Tensor], Tensor] | None = None) -> None:
        self._change = change
        self._made: dict[int, tuple[Any, Any]] = {}  # with the original, so that its identity stays its own

    def of(self, item: Any) -> Any:
        """The copy of a module, or of what may hold modules; the item itself if it is something else."""
        if id(item) not in self._made:
            self._made[id(item)] = item, self._copied(item)
        return self._made[id(item)][1]

    def _copied(self, item: Any) -> Any:
        if isinstance(item, nn.Module) and not isinstance(item, torch.jit.ScriptModule):
            return self._module(item)
        if isinstance(item, Tensor):
            return item if self._change is None else self._tensor(item, self._change)
        if isinstance(item, dict) and type(item).__module__ in ("builtins", "collections"):
            made = self._begun(item, item.copy())
            made.update({name: self.of(part) for name, part in item.items()})
            return made
        if type(item) is list:
            made = self._begun(item, [])
            made.extend(self.of(part) for part in item)
            return made
        return self._held(item)

    def _held(self, item: Any) -> Any:
        if type(item) is tuple:
            return tuple(self.of(part) for part in item)
        if isinstance(item, MethodType):
            return MethodType(item.__func__, self.of(item.__self__))
        if type(item) is partial:
            return partial(self.of(item.func), *self.of(item.args), **self.of(item.keywords))
        return item

    def _module(self, item: nn.Module) -> Any:
        inner = _inside(item)
        if inner is not None:
            return self.of(inner)
        made = self._begun(item, object.__new__(item.__class__))
        for name, part in vars(item).items():
            made.__dict__[name] = None if name == "_compiled_call_impl" else self.of(part)
        return made

    def _tensor(self, item: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
        changed = change(item.detach())
        return nn.Parameter(changed, item.requires_grad) if isinstance(item, nn.Parameter) else changed

    def _begun(self, item: Any, made: Any) -> Any:
        """Note a copy before it is filled: what it holds may hold it too."""
        self._made[id(item)] = item, made
        return made
