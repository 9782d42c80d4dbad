"""Tensors that share memory: where they lie, and what one holds after another was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, zeros
from torch import bool as bool_

Layout = tuple[tuple[int, ...], tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a tensor holds after part of its memory was written through another tensor; a movement of elements."""

    tensor: Layout
    written: Layout
    name: ClassVar[str] = "cnnfix.overwrite"

    def __call__(self, before: Tensor, written: Tensor) -> Tensor:
        """The values of the tensor, from those that it held before and those that were written."""
        memory = laid_out(before, self.tensor, extent(self.written))
        memory.as_strided(*self.written).copy_(written)
        return memory.as_strided(*self.tensor).clone()

    def reaches(self) -> bool:
        """Whether any element of the tensor was written to: parts of one tensor often lie side by side."""
        memory = zeros(max(extent(self.tensor), extent(self.written)), dtype=bool_)
        memory.as_strided(*self.written).fill_(True)
        return bool(memory.as_strided(*self.tensor).any())


def memory_of(tensor: Tensor) -> int:
    """Address of the memory that the tensor lies in, the same for all its views."""
    return tensor.untyped_storage().data_ptr()


def layout_of(tensor: Tensor) -> Layout:
    """Shape, strides and offset in the memory."""
    return tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())


def laid_out(values: Tensor, layout: Layout, least: int = 0) -> Tensor:
    """Memory of at least that many elements in which the values lie in this layout, and zeros between them."""
    memory = values.new_zeros(max(extent(layout), least))
    shape, stride, offset = layout
    once = [size if step else min(size, 1) for size, step in zip(shape, stride, strict=True)]  # expanded: all the same
    memory.as_strided(once, stride, offset).copy_(values[tuple(slice(size) for size in once)])
    return memory


def extent(layout: Layout) -> int:
    """How many elements of memory the layout reaches over."""
    shape, stride, offset = layout
    return offset + 1 + sum((size - 1) * step for size, step in zip(shape, stride, strict=True) if size)
