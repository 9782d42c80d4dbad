"""A second device for machines that have none: it computes on the CPU, and refuses tensors that were made elsewhere.

A tensor on it says that its device is "meta", for which PyTorch needs no driver; its numbers are in a tensor on the
CPU. As on a GPU, an operation takes no tensor of the CPU but single numbers and indices, and NumPy no tensor of the
device.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

NAME = "meta"
DEVICE = torch.device(NAME)
_INDEXED = ("aten.index.Tensor", "aten.index_put_.default", "aten.index_put.default")


class OtherDeviceError(AssertionError):
    """A tensor of the CPU met one of the other device."""


class Elsewhere(Tensor):
    """A tensor on the other device."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> Elsewhere:
        made: Elsewhere = Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=DEVICE,
            requires_grad=False,
        )
        made.numbers = numbers
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Elsewhere({self.numbers})"

    def untyped_storage(self) -> Any:
        """That of its numbers, so that views are known by it."""
        return self.numbers.untyped_storage()

    def numpy(self, *, force: bool = False) -> Any:
        """A copy if it is forced, otherwise refused."""
        if not force:
            raise OtherDeviceError("NumPy cannot read a tensor on the other device: copy it first.")
        return self.detach().cpu().numpy()

    def tolist(self) -> Any:
        """As a GPU does it: copy, then list."""
        return self.detach().cpu().tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})


@contextmanager
def other_device() -> Iterator[str]:
    """Lend the other device: tensors can be made on it and moved to it. Yields its name."""
    with _MadeOfNumbers(), _OtherDevice():
        yield NAME


class _MadeOfNumbers(TorchFunctionMode):
    """Makes tensors of Python's numbers on the other device, which PyTorch does inside."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is Tensor.new_tensor and isinstance(args[0], Elsewhere):
            return torch.tensor(*args[1:], **({"dtype": args[0].dtype} | kwargs)).to(NAME)
        if func in (torch.tensor, torch.as_tensor) and torch.device(kwargs.get("device") or "cpu").type == NAME:
            return func(*args, **(kwargs | {"device": "cpu"})).to(NAME)
        if func in (Tensor.__getitem__, Tensor.__setitem__):
            args = args[0], _with_tensors(args[1]), *args[2:]
        return func(*args, **kwargs)


def _with_tensors(index: Any) -> Any:
    """An index with tensors in place of lists of numbers, of which PyTorch makes tensors inside."""
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(torch.tensor(part or (), dtype=torch.long) if isinstance(part, list) else part for part in parts)


class _OtherDevice(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        here = any(isinstance(leaf, Elsewhere) for leaf in tree_leaves((args, kwargs)))
        there = kwargs.get("device") is not None and torch.device(kwargs["device"]).type == NAME
        return computed(func, args, kwargs) if here or there else func(*args, **kwargs)


def computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What an operation gives on the other device."""
    moved = kwargs.get("device")
    if func is torch.ops.aten._to_copy.default or func is torch.ops.aten.copy_.default:
        if func is torch.ops.aten.copy_.default:
            plain = tree_map(_numbers, args)
            func(*plain, **kwargs)
            return args[0]
        kwargs = {name: value for name, value in kwargs.items() if name != "device"}
        result = func(*tree_map(_numbers, args), **kwargs)
        stays = isinstance(args[0], Elsewhere) if moved is None else torch.device(moved).type == NAME
        return Elsewhere(result) if stays else result
    _check(func, (args, kwargs))
    plain_kwargs = tree_map(_numbers, {name: value for name, value in kwargs.items() if name != "device"})
    result = tree_map(_elsewhere, func(*tree_map(_numbers, args), **plain_kwargs))
    return return_and_correct_aliasing(func, args, kwargs, result)


def _check(func: Any, given: Any) -> None:
    for leaf in tree_leaves(given):
        if not isinstance(leaf, Tensor) or isinstance(leaf, Elsewhere):
            continue
        if leaf.device == DEVICE or (leaf.ndim and str(func) not in _INDEXED):
            raise OtherDeviceError(f"{func} takes a tensor of the {leaf.device}, {tuple(leaf.shape)}.")


def _numbers(item: Any) -> Any:
    return item.numbers if isinstance(item, Elsewhere) else item


def _elsewhere(item: Any) -> Any:
    return Elsewhere(item) if isinstance(item, Tensor) else item
