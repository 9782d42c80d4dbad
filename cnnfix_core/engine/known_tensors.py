"""The values of tensors during a recording, found by the tensor itself and by its memory."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from sys import getrefcount
from typing import Any

from torch import Tensor, empty
from torch._C import _storage_Use_Count

from cnnfix_core.engine.aliasing import memory_of
from cnnfix_core.engine.tape import Value

_Entry = tuple[weakref.ref[Tensor], Value]


def _holders(tensor: Any) -> tuple[int, int, int]:
    """How many refer to its storage, to the memory of that, and to the tensor itself, in Python or C++."""
    storage = tensor.untyped_storage()
    return getrefcount(storage), _storage_Use_Count(storage._cdata), tensor._use_count()


_OF_ONE = _holders(empty(1))


class KnownTensors:
    """Which value each tensor has now. Tensors are not kept alive; values may keep them."""

    def __init__(self) -> None:
        # An entry is stale once its weak reference is dead. Entries are sorted by memory only when something is
        # written: asking each tensor for its memory takes as long as all else here.
        self._values: dict[int, _Entry] = {}
        self._sharing: dict[int, list[_Entry]] = {}
        self._unsorted: list[_Entry] = []

    def find(self, tensor: Tensor) -> Value | None:
        """The tensor's value, if it is known."""
        entry = self._values.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def remember(self, tensor: Tensor, value: Value) -> Value:
        """Register the tensor's value."""
        entry = (weakref.ref(tensor), value)
        self._values[id(tensor)] = entry
        self._unsorted.append(entry)
        return value

    def alive(self, tensor: Tensor) -> list[Tensor]:
        """The tensors in the same memory that are still in use."""
        memory = memory_of(tensor)
        found = {id(other): other for ref, _ in self._in_memory(memory) if (other := ref()) is not None}
        return [other for other in found.values() if memory_of(other) == memory]  # some have got other memory since

    def values_with(self, tensor: Tensor) -> list[Value]:
        """The values that tensors in the same memory have or had, if their tensors are in use or were kept."""
        return [value for _, value in self._in_memory(memory_of(tensor))]

    def is_alone(self, tensor: Tensor) -> bool:
        """Whether no other tensor, known or not, lies in the same memory, and no storage or capsule refers to it."""
        return _holders(tensor) == _OF_ONE

    def _in_memory(self, memory: int) -> Sequence[_Entry]:
        """The entries of tensors at this address that are in use, or whose values were kept."""
        for entry in self._unsorted:
            tensor = entry[0]()
            if tensor is None:
                tensor = entry[1].kept
            if tensor is not None:
                self._sharing.setdefault(memory_of(tensor), []).append(entry)
        self._unsorted.clear()
        return self._sharing.get(memory, ())
