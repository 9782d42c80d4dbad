"""Units: elements and channels inside a network, as targets of a walk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cnnfix_core.engine.tape import Operation, Tape, Value
from cnnfix_core.errors import TargetError, did_you_mean

# Operations whose outputs have their channels in the second dimension, and those that have them in the last.
_SECOND = {"aten.convolution", "aten._convolution", "aten.native_batch_norm", "aten.native_group_norm"}
_LAST = {"aten.addmm", "aten.mm", "aten.bmm", "aten.native_layer_norm"}


@dataclass(frozen=True, slots=True)
class Unit:
    """An element, or a channel at its strongest place, of what a module computes.

    Attributes:
        module: The name of the module, as in `network.named_modules()`: "layer3.1.conv2". If it runs several times, its
            last run counts.
        index: The number of a channel, or the whole position of an element without the picture's: (channel, y, x).
    """

    module: str
    index: int | tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> Unit:
        """The unit in a text such as "layer3.1.conv2:87" or "layer3.1.conv2:87.4.5". Raises TargetError."""
        module, _, index = text.rpartition(":")
        numbers = index.split(".")
        if not module or not all(number.isdecimal() and len(number) < 10 for number in numbers):
            raise TargetError(f"{text!r} is no unit: write MODULE:CHANNEL or MODULE:CHANNEL.ROW.COLUMN, as layer3:87.")
        places = tuple(map(int, numbers))
        return cls(module, places[0] if len(places) == 1 else places)

    def __str__(self) -> str:
        places = (self.index,) if isinstance(self.index, int) else self.index
        return f"{self.module}:{'.'.join(map(str, places))}"

    def start(self, tape: Tape, picture: int = 0) -> tuple[Tape, tuple[int, ...]]:
        """The tape up to what the module computed, and the unit's position there for one picture of the batch.

        Raises:
            TargetError: The module computed nothing that the output depends on, the position is outside of what it
                computed, or the place of a channel is not known because the tape has not kept the values.
        """
        operation, value = self.computed(tape)
        before = tape.operations[: tape.operations.index(operation) + 1]
        reduced = replace(tape, operations=before, outputs=(value,), result=value.data)
        return reduced, self._position(value, picture)

    def computed(self, tape: Tape) -> tuple[Operation, Value]:
        """The last operation of the module, and its first output."""
        for operation in reversed(tape.operations):
            if _inside(operation.module, self.module) and operation.outputs[0].depends:
                return operation, operation.outputs[0]
        known = {name for operation in tape.operations for name in _with_parents(operation.module)}
        hint = did_you_mean(self.module, known, "Give the name of a module that the scores depend on.")
        raise TargetError(f"No module {self.module!r} computed anything. {hint}")

    def _position(self, value: Value, picture: int) -> tuple[int, ...]:
        if not isinstance(self.index, int):
            position = (picture, *self.index)
            if len(position) != len(value.shape) or any(
                n >= size for n, size in zip(position, value.shape, strict=True)
            ):
                sizes = " x ".join(map(str, value.shape[1:]))
                raise TargetError(f"{self} is outside of what the module computes for a picture, {sizes} numbers.")
            return position
        axis = channel_axis(value)
        if picture >= value.shape[0] or self.index >= value.shape[axis]:
            raise TargetError(f"There is no channel {self.index} in {self.module}: it has {value.shape[axis]}.")
        if not value.readable:
            raise TargetError(
                f"Where channel {self.index} of {self.module} is strongest is not known: use record_whole."
            )
        channel = np.take(value.array()[picture], self.index, axis - 1)
        place = np.unravel_index(int(channel.argmax()), channel.shape) if channel.ndim else ()
        around = iter(int(n) for n in place)
        return (picture, *(self.index if n == axis else next(around) for n in range(1, len(value.shape))))


def channel_axis(value: Value) -> int:
    """The dimension of the channels: that of the last layer with weights, followed through what moves dimensions."""
    moves: list[Operation] = []
    axis = min(1, len(value.shape) - 1)
    while (producer := value.producer) is not None:
        if producer.name in _SECOND | _LAST:
            axis = 1 if producer.name in _SECOND else len(value.shape) - 1
            break
        if producer.name in ("aten.permute", "aten.transpose", "aten.view", "aten._unsafe_view"):
            moves.append(producer)
        before = producer.activations()
        if not before:
            break
        value = before[0]
    for move in reversed(moves):
        axis = _moved(move, axis)
    return axis


def _moved(operation: Operation, axis: int) -> int:
    """Where a dimension is after an operation that orders or reshapes them."""
    before, after = operation.args[0].shape, operation.outputs[0].shape
    if operation.name == "aten.permute":
        return int([dim % len(before) for dim in operation.args[1]].index(axis))
    if operation.name == "aten.transpose":
        first, second = (dim % len(before) for dim in operation.args[1:3])
        return int({first: second, second: first}.get(axis, axis))
    if axis == len(before) - 1 and after[-1] == before[-1]:
        return len(after) - 1
    return min(axis, len(after) - 1)


def _inside(module: str, of: str) -> bool:
    return module == of or module.startswith((f"{of}.", f"{of}/"))


def _with_parents(module: str) -> Iterator[str]:
    while module:
        yield module
        module = module.rpartition(".")[0]
