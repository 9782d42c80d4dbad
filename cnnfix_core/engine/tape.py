"""The tape: the tensor operations of one forward pass, in order, with the values that rules read."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from typing import Any, NoReturn, Self, SupportsIndex

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnfix_core.engine.positions import in_memory, memory_and_steps
from cnnfix_core.errors import CnnfixError, NotFiniteError, RecordError

# What a dependence on the inputs may pass through without being followed.
COMPLEX, WHOLE, OUTSIDE = "complex numbers", "whole numbers", "numbers outside PyTorch"


@dataclass(slots=True, eq=False)
class Value:
    """One tensor as it was at one point of the forward pass.

    Attributes:
        shape: of the tensor.
        depends: whether it was computed from the inputs; False for parameters and constants.
        kept: the tensor, if a rule reads it; otherwise None.
        cut: what its dependence on the inputs passes through that walks do not follow, such as "complex numbers"; ""
            for all other values. Such a value does not count as dependent: it serves as a coefficient, mask or index.
        again: computes the tensor where it is not kept: see `recomputing`.
    """

    shape: tuple[int, ...]
    depends: bool
    kept: Tensor | None = field(default=None, repr=False)
    cut: str = ""
    again: Callable[[Value], Tensor] | None = field(default=None, repr=False)
    _array: NDArray[Any] | None = field(default=None, repr=False)
    _finite: bool = field(default=False, repr=False)  # known of all of it
    # Weak, because the operation holds its outputs: without cycles, an unused tape is freed at once.
    _producer: weakref.ref[Operation] | None = field(default=None, repr=False)

    @property
    def data(self) -> Tensor | None:
        """The tensor, if it is kept, or can be computed again; None if neither."""
        return self.again(self) if self.kept is None and self.again is not None else self.kept

    @property
    def readable(self) -> bool:
        """Whether the tensor is kept, or can be computed again."""
        return self.kept is not None or self.again is not None

    @property
    def producer(self) -> Operation | None:
        """The operation on the tape that computed the value; None for inputs and constants."""
        return None if self._producer is None else self._producer()

    @producer.setter
    def producer(self, operation: Operation) -> None:
        self._producer = weakref.ref(operation)

    def array(self) -> NDArray[Any]:
        """The values as a contiguous float32 or float64 array. Raises NotFiniteError for NaN or infinity."""
        array = self._strided()
        if not array.flags.c_contiguous:
            array = self._noted(torch.from_numpy(array).contiguous().numpy())  # on several threads
        return self._checked(array)

    def strided(self) -> NDArray[Any]:
        """The same values with their strides in memory. Raises NotFiniteError for NaN or infinity."""
        return self._checked(self._strided())

    def _checked(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array, all of it checked, once."""
        if not self._finite:
            self._check(array)
            self._finite = True
        return array

    def _strided(self) -> NDArray[Any]:
        """The same, not checked."""
        return self._noted(as_strided_array(self._tensor())) if self._array is None else self._array

    def _check(self, numbers: NDArray[Any]) -> None:
        """Raise NotFiniteError if there is NaN or infinity among these, unless no input has a part in them."""
        if self.depends and not is_finite(numbers):
            raise NotFiniteError(
                f"There are NaN or infinite activations {self.origin()}. Check the weights and the input."
            )

    def _noted(self, array: NDArray[Any]) -> NDArray[Any]:
        """The array, which is at hand from now on where the tensor is kept."""
        if self.kept is not None:
            self._array = array
        return array

    def forget(self, again: Callable[[Value], Tensor]) -> None:
        """Free the tensor, which `again` can compute."""
        self.kept = self._array = None
        self.again = again

    def at(self, index: NDArray[np.int64]) -> NDArray[Any]:
        """The values at these positions in the flattened tensor. Raises NotFiniteError for NaN or infinity there."""
        array = self._strided()
        if not array.flags.c_contiguous:
            memory, steps = memory_and_steps(array)
            array, index = memory, in_memory(index, array.shape, steps)
        found: NDArray[Any] = array.reshape(-1)[index]
        if not self._finite:
            self._check(found)
        return found

    def integers(self) -> NDArray[np.int64]:
        """The values of an integer tensor, such as the positions chosen by max pooling."""
        return self._tensor().detach().cpu().contiguous().numpy().astype(np.int64, copy=False)

    def origin(self) -> str:
        """Where the value came from, for messages."""
        return f"after {self.producer.place()}" if self.producer else "in the input"

    def _tensor(self) -> Tensor:
        data = self.data
        if data is None:
            raise RuntimeError(f"The values {self.origin()} were not kept: the rule must name them in `reads`.")
        return data


@dataclass(slots=True, weakref_slot=True, eq=False)
class Operation:
    """One operation of the tape.

    Attributes:
        index: its position in the recording, from 0.
        name: PyTorch's name without the overload, such as "aten.convolution".
        module: the name of the module that it ran in, "" for the outermost.
        args, kwargs: its arguments, with a `Value` in place of every tensor, and sequences as lists.
        call: the operator itself.
        outputs: one for each tensor that it returned.
    """

    index: int
    name: str
    module: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    call: Callable[..., Any]
    outputs: tuple[Value, ...]
    _inputs: tuple[Value, ...] | None = field(default=None, init=False, repr=False)

    def noted(self) -> Operation:
        """The operation itself, now the producer of its outputs."""
        for value in self.outputs:
            value.producer = self
        return self

    def place(self) -> str:
        """The names of the operation and its module, for messages."""
        return f"{self.name!r} {in_module(self.module)}"

    def inputs(self) -> tuple[Value, ...]:
        """The operation's input values, including parameters and constants."""
        if self._inputs is None:
            self._inputs = tuple(_values_among((*self.args, *self.kwargs.values())))
        return self._inputs

    def activations(self) -> list[Value]:
        """The inputs that were computed from the network's input."""
        return [value for value in self.inputs() if value.depends]

    def cut(self) -> str:
        """Why a walk cannot go on from here although the outputs depend on the inputs; "" where it can."""
        for value in self.inputs():
            if value.depends:
                return ""
        return next((value.cut for value in self.inputs() if value.cut), OUTSIDE)


def in_module(name: str) -> str:
    """The place of something in the network, for messages."""
    return f"in module {name!r}" if name else "in the outermost module"


def _values_among(items: Iterable[Any]) -> list[Value]:
    found: list[Value] = []
    for item in items:
        if isinstance(item, Value):
            found.append(item)
        elif isinstance(item, list):
            found += _values_among(item)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """One recorded forward pass.

    Attributes:
        result: what the module returned.
        outputs: the tensors in the result, in order.
        holders: names of modules that only contain other modules, `ModuleList` and `ModuleDict`.
        outside: where numbers that depend on the inputs left PyTorch, such as "item() in module 'head'". What Python
            computes from them counts as a constant.
        returned: shapes of what modules returned, of those that ran once and returned one tensor, if that was noted.
        whole: whether every value can be read, for inspection; walks then note their lineage at once, which others
            find when they are asked.
    """

    operations: tuple[Operation, ...]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    result: Any
    holders: frozenset[str] = frozenset()
    outside: tuple[str, ...] = ()
    returned: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    whole: bool = False

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        """Raise CnnfixError: a tape is of this process alone."""
        raise CnnfixError(
            "A recording cannot be pickled, as it holds PyTorch's operators: pickle what was computed from it, "
            "such as explanation.without_traces() or trace.fixations."
        )

    def __copy__(self) -> Self:
        return self  # it does not change

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    @property
    def output(self) -> Value:
        """The first tensor of the result; targets are positions in it."""
        return self.outputs[0]

    @property
    def output_tensor(self) -> Tensor:
        """The tensor of `output`."""
        return self.output._tensor()

    @property
    def nbytes(self) -> int:
        """Bytes of inputs and values that were kept; memory shared by several tensors is counted once."""
        values = chain(self.inputs, *(operation.outputs for operation in self.operations))
        memories = (value.kept.untyped_storage() for value in values if value.kept is not None)
        return sum({memory.data_ptr(): memory.nbytes() for memory in memories}.values())


def is_finite(array: NDArray[Any]) -> bool:
    """Check for NaN and infinity in one pass without a temporary: both survive the array's dot product with itself."""
    flat = array.ravel("K")
    with np.errstate(over="ignore", invalid="ignore"):
        return isfinite(np.dot(flat, flat)) or bool(np.isfinite(flat).all())


@contextmanager
def _numbers_held() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:  # PyTorch's, for a tensor that has only a shape
        raise RecordError(
            "The network ran on the device meta, which holds no numbers: move it and its input to another."
        ) from error


def as_strided_array(tensor: Tensor) -> NDArray[Any]:
    """Do the same as `as_array`, but keep the strides in memory."""
    plain = tensor if tensor.layout is torch.strided else tensor.detach().to_dense()
    plain = plain if plain.dtype in (torch.float32, torch.float64) else plain.detach().float()
    with _numbers_held():
        return plain.numpy(force=True)


def as_array(tensor: Tensor) -> NDArray[Any]:
    """Convert a tensor to a contiguous NumPy array, half precision to float32; shares memory if possible."""
    with _numbers_held():
        plain = tensor.detach().cpu()
    if plain.dtype not in (torch.float32, torch.float64):
        plain = plain.float()
    return plain.contiguous().numpy()
