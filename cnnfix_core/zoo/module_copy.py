"""Copies of a network's modules: for hooks of one's own, for other weights, for other devices."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from types import MethodType
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)

# Wrappers that compute what the module in them computes: on several devices, or compiled.
_OWN = frozenset(vars(nn.Module()))  # what every module has: its parameters, buffers, modules and hooks
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
    """A copy of the modules with changed parameters and buffers; the originals are kept as they are."""
    if isinstance(module, torch.jit.ScriptModule):
        scripted: M = copy.deepcopy(module)._apply(change)  # type: ignore[no-untyped-call]  # of PyTorch
        return scripted
    own: M = _Copies(change, [*module.parameters(), *module.buffers()]).of(module)
    return own


def in_evaluation(module: M) -> M:
    """The module, put into evaluation mode as far as it has one; some modules refuse `eval()`."""
    for child in module.modules():
        if getattr(child, "training", False):
            child.training = False
    return module


def _inside(module: nn.Module) -> nn.Module | None:
    if isinstance(module, _PARALLEL):
        inner: nn.Module = module.module
        return inner
    modules = vars(module).get("_modules")  # not by name: modules may pass on the attributes of others
    return modules.get("_orig_mod") if isinstance(modules, dict) else None


def _is_compiled(module: nn.Module) -> bool:
    return vars(module).get("_compiled_call_impl") is not None


def _changed(tensor: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    changed = change(tensor.detach())
    return nn.Parameter(changed, tensor.requires_grad) if isinstance(tensor, nn.Parameter) else changed


class _Copies:
    """What was copied so far, by the identity of the original. change: of these tensors; all others are shared."""

    def __init__(self, change: Callable[[Tensor], Tensor] | None = None, changed: Sequence[Tensor] = ()) -> None:
        # With the original, so that its identity stays its own.
        self._made: dict[int, tuple[Any, Any]] = {}
        if change is not None:
            self._made = {id(tensor): (tensor, _changed(tensor, change)) for tensor in changed}

    def of(self, item: Any) -> Any:
        """The copy of a module, or of what may hold modules; the item itself if it is something else."""
        if id(item) not in self._made:
            self._made[id(item)] = item, self._copied(item)
        return self._made[id(item)][1]

    def _copied(self, item: Any) -> Any:
        if isinstance(item, nn.Module) and not isinstance(item, torch.jit.ScriptModule):
            return self._module(item)
        # What holds no module is shared: a hook of the original may write there what the copy reads.
        if isinstance(item, dict) and type(item).__module__ in ("builtins", "collections"):
            made = self._filled(item)
            return made if any(made[name] is not part for name, part in item.items()) else item
        if type(item) is list:
            made = self._begun(item, [])
            made.extend(self.of(part) for part in item)
            return made if any(one is not part for one, part in zip(made, item, strict=True)) else item
        return self._held(item)

    def _filled(self, item: dict[Any, Any]) -> dict[Any, Any]:
        made = self._begun(item, item.copy())
        made.update({name: self.of(part) for name, part in item.items()})
        return made  # type: ignore[no-any-return]

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
            own = name in _OWN and isinstance(part, dict)
            made.__dict__[name] = self._filled(part) if own else self.of(part)
        made.__dict__["_compiled_call_impl"] = None
        return made

    def _begun(self, item: Any, made: Any) -> Any:
        """Note a copy before it is filled: what it holds may hold it too."""
        self._made[id(item)] = item, made
        return made
