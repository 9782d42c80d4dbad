"""Tensors that share memory: their layout, and the effect of writing to one on the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, zeros
from torch import bool as bool_

Layout = tuple[tuple[int, ...], tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Overwrite:
    """The operation of writing to a tensor's memory through another tensor: it replaces some of its elements."""

    tensor: Layout
    written: Layout
    name: ClassVar[str] = "cnnfix.overwrite"

    def __call__(self, before: Tensor, written: Tensor) -> Tensor:
        """The new values of the tensor, from its values before and the values written."""
        memory = laid_out(before, self.tensor, extent(self.written))
        _put(written, memory, self.written)
        return memory.as_strided(*self.tensor).clone()

    def reaches(self) -> bool:
        """Whether any element of the tensor was overwritten: views of one tensor often do not overlap."""
        memory = zeros(max(extent(self.tensor), extent(self.written)), dtype=bool_)
        memory.as_strided(*self.written).fill_(True)
        return bool(memory.as_strided(*self.tensor).any())


def memory_of(tensor: Tensor) -> int:
    """Address of the tensor's storage, the same for all its views; of a tensor without one, a number of its own."""
    try:
        return tensor.untyped_storage().data_ptr()
    except RuntimeError:  # of a class that wraps other tensors
        return -id(tensor)


def layout_of(tensor: Tensor) -> Layout:
    """Shape, strides and offset of the tensor in its storage."""
    return tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())


def laid_out(values: Tensor, layout: Layout, least: int = 0) -> Tensor:
    """A 1-D tensor of at least `least` elements that holds the values in this layout, with zeros in between."""
    memory = values.new_zeros(max(extent(layout), least))
    _put(values, memory, layout)
    return memory


def _put(values: Tensor, memory: Tensor, layout: Layout) -> None:
    """Write the values to memory in this layout; of those at one place, as in an expanded tensor, the first."""
    shape, stride, offset = layout
    once = [size if step else min(size, 1) for size, step in zip(shape, stride, strict=True)]
    memory.as_strided(once, stride, offset).copy_(values[tuple(slice(size) for size in once)])


def extent(layout: Layout) -> int:
    """Number of elements from the start of the storage to the end of the layout."""
    shape, stride, offset = layout
    return offset + 1 + sum((size - 1) * step for size, step in zip(shape, stride, strict=True) if size)
