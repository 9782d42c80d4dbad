"""What rules need to know about the network around their operation: residual branches and flattened maps."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnfix_core.engine.presets import Location, Preset
    from cnnfix_core.engine.tape import Operation, Tape, Value

# Operations between a map and a fully connected layer that do not change the values.
_PASSING = {"aten.view", "aten._unsafe_view", "aten.reshape", "aten.clone", "aten.squeeze", "aten.dropout"}


_CONVOLUTIONS = ("aten.convolution", "aten._convolution")
# Operations that treat each item of their first dimension alone, and have their maps behind two dimensions.
_ITEMWISE = {
    *_CONVOLUTIONS,
    "torchvision.deform_conv2d",
    *("aten.native_batch_norm", "aten.cudnn_batch_norm", "aten.native_group_norm"),
    *("aten.max_pool2d_with_indices", "aten.max_pool3d_with_indices", "aten.avg_pool2d", "aten.avg_pool3d"),
    *("aten.adaptive_max_pool2d", "aten._adaptive_avg_pool2d", "aten._adaptive_avg_pool3d"),
}
# Operations after which a row is no longer a stretch of the input.
_REORDERS = {
    *("aten.permute", "aten.transpose", "aten.t", "aten.unfold", "aten.im2col"),
    *("aten.cat", "aten.stack", "aten.index", "aten.gather", "aten.flip", "aten.roll", "aten.select", "aten.slice"),
}


def bottlenecks(tape: Tape) -> Iterator[Value]:
    """The values that everything passes through between the output and the inputs, from the output back."""
    open_ends = {tape.output}
    for operation in reversed(tape.operations):
        if open_ends.isdisjoint(operation.outputs):
            continue
        if len(open_ends) == 1:
            yield from open_ends
        open_ends.difference_update(operation.outputs)
        open_ends.update(operation.activations())
    if len(open_ends) == 1:
        yield from open_ends


class Structure:
    """The structure of one tape, computed on first use."""

    def __init__(self, tape: Tape) -> None:
        self._operations = tape.operations
        self._inputs = frozenset(tape.inputs)
        self._folded: set[Value] = set()  # values with all items in the channels of one

    def location(self, operation: Operation, preset: Preset) -> Location:
        """How the preset chooses a location in this convolution's window."""
        if preset.location == "centre" and operation.index in self.residual:
            return preset.residual_location
        return preset.location

    def items(self, value: Value) -> int:
        """The number of items (pictures, views, frames) that lie one after the other; 1 if other elements do."""
        count = self._items.get(value, 1)
        return count if value.shape[:1] == (count,) or value in self._folded else 1

    def has_places(self, matrix: Value) -> bool:
        """Whether the rows of a matrix are places of maps rather than whole items.

        The number of items is the first dimension of the last map before the matrix: convolutions and poolings treat
        each item alone. Without such a map, items are the pictures of the input, with all dimensions that stand before
        (channel, row, column) if its rows are still whole pictures.
        """
        rows = matrix.shape[0]
        if matrix in self._items:
            return rows > self._items[matrix]
        value, straight = matrix, True
        while value not in self._inputs and (producer := value.producer) is not None and producer.activations():
            straight = straight and producer.name not in _REORDERS
            value = producer.activations()[0]
        leading = [prod(value.shape[:count]) for count in range(2, len(value.shape) - 2)] if straight else []
        return rows > prod(value.shape[:1]) and rows not in leading

    @cached_property
    def _items(self) -> dict[Value, int]:
        """The first dimension of the last map up to each value, where there is one."""
        found: dict[Value, int] = {}
        for operation in self._operations:
            before = operation.activations()
            if operation.name in _ITEMWISE and before and len(before[0].shape) > 2:
                found[before[0]] = count = _items_in(before[0], operation)
                if count != before[0].shape[0]:
                    self._folded.update((before[0], *operation.outputs[:1]))
            if before and before[0] in found:
                found.update(dict.fromkeys(operation.outputs, found[before[0]]))
        return found

    def is_flat_map(self, vector: Value) -> bool:
        """Whether a (batch, features) value is a flattened spatial map with more than one position."""
        value = vector
        while value.producer is not None and value.producer.name in _PASSING:
            value = value.producer.args[0]
            if len(value.shape) > 2 and prod(value.shape[2:]) > 1:
                return True
        return False

    @cached_property
    def residual(self) -> frozenset[int]:
        """Indices of the operations on the branches between each addition and the point where its branches fork."""
        return frozenset(index for branches in self._branches.values() for branch in branches for index in branch)

    @cached_property
    def skips(self) -> dict[int, int]:
        """For each addition of two activations, which term is the skip connection: the branch with fewer operations."""
        return {index: int(len(second) <= len(first)) for index, (first, second) in self._branches.items()}

    @cached_property
    def _branches(self) -> dict[int, tuple[set[int], set[int]]]:
        additions = (op for op in self._operations if op.name == "aten.add" and len(op.activations()) == 2)
        return {op.index: _part(*op.activations()) for op in additions}


def _items_in(value: Value, operation: Operation) -> int:
    """How many items an operation treats alone: their number is the first dimension, unless they lie in the channels.

    There instance normalisation folds them, and what convolves each picture with its own filters.
    """
    producer = value.producer
    if value.shape[0] == 1 and producer is not None and producer.name in _PASSING:
        before = producer.args[0].shape
        alone = operation.name not in _CONVOLUTIONS or operation.args[8] % before[0] == 0
        if alone and len(before) >= len(value.shape) and before[2 - len(value.shape) :] == value.shape[2:]:
            return int(before[0])
    return value.shape[0]


def _part(first: Value, second: Value) -> tuple[set[int], set[int]]:
    """The operations of two branches back to where they fork, found by always going back over the latest operation."""
    ends = ({_made_by(first)}, {_made_by(second)})
    branches: tuple[set[int], set[int]] = (set(), set())
    producers = {_made_by(value): value.producer for value in (first, second)}
    while (latest := max(ends[0] | ends[1], default=-1)) >= 0 and not ends[0] == ends[1] == {latest}:
        producer = producers[latest]
        assert producer is not None
        before = {_made_by(value): value.producer for value in producer.activations()}
        producers.update(before)
        for end, branch in zip(ends, branches, strict=True):
            if latest in end:
                end.remove(latest)
                end.update(before)
                branch.add(latest)
    return branches[0] - branches[1], branches[1] - branches[0]


def _made_by(value: Value) -> int:
    """Index of the operation that made the value; -1 for an input."""
    return value.producer.index if value.producer else -1
