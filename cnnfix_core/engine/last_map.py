"""The last feature map of a network, where a contrast takes the evidence for other scores away.

Deeper in the network evidence for different classes runs through the same elements; at the last map it still lies at
different places. So a contrast takes the evidence for the other scores away there, place by place, and the walk goes on
from what is left.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine.tape import Operation, Tape, Value
from cnnfix_core.engine.topology import bottlenecks

RATHER_THAN = "cnnfix.rather_than"
_ALIKE = 2  # a map's sides are the same part of the input's up to this factor


@dataclass(frozen=True, slots=True, eq=False)
class LastMap:
    """The last feature map that everything passes through before the output.

    Attributes:
        tape: The tape that it is on.
        value: (batch, channels, ...), with as many dimensions as the network's input.
    """

    tape: Tape
    value: Value

    @property
    def head(self) -> Tape:
        """The tape from the map, as its input, to the output."""
        return replace(self.tape, operations=self._split()[1], inputs=(self.value,))

    def without(self, evidence: Floats, share: float | None) -> Tape:
        """A tape on which walks take evidence away from the places of the map.

        Args:
            evidence: (batch, places), the evidence for other scores of one picture, which sums to 1, or to 0. The batch
                has several rows for the picture if a network looks at crops of it.
            share: How much of it is taken away, 0 to 1; None: as much as the preset of a walk says.
        """
        before, head = self._split()
        taken = Value(evidence.shape, depends=False, kept=torch.from_numpy(evidence))
        left = copy(self.value)
        contrast = Operation(len(before), RATHER_THAN, "", (self.value, taken, share), {}, _unchanged, (left,))
        made, operations = {self.value: left}, [contrast.noted()]
        for number, operation in enumerate(head, len(before) + 1):
            outputs = tuple(map(copy, operation.outputs))
            args, kwargs = tree_map_only(
                Value, lambda value: made.get(value, value), (operation.args, operation.kwargs)
            )
            again = replace(operation, index=number, args=args, kwargs=kwargs, outputs=outputs)
            operations.append(again.noted())
            made.update(zip(operation.outputs, outputs, strict=True))
        outputs = tuple(made.get(value, value) for value in self.tape.outputs)
        return replace(self.tape, operations=(*before, *operations), outputs=outputs)

    def _split(self) -> tuple[tuple[Operation, ...], tuple[Operation, ...]]:
        """The operations up to the map, and those after it."""
        operations, producer = self.tape.operations, self.value.producer
        number = operations.index(producer) + 1 if producer else 0
        return operations[:number], operations[number:]


def last_map(tape: Tape) -> LastMap | None:
    """Find the last feature map that everything passes through; None if the network has none.

    A network whose output is a map itself, such as scores at each place, decides nothing at places before it.
    """
    if is_map(tape.output, tape):
        return None
    return next((LastMap(tape, value) for value in bottlenecks(tape) if is_map(value, tape)), None)


def is_map(value: Value, tape: Tape) -> bool:
    """Whether a value is (batch, channels, ...), like an input of three dimensions or more, with several places.

    The batch may have several items, such as crops or mirrored pictures, for each item of the input.
    Its sides must be about the same part of the input's, which tells channels from places where they come last.
    """
    shape, like = value.shape, tape.inputs[0].shape
    if not len(shape) == len(like) >= 3 or shape[0] % like[0] or prod(shape[2:]) == 1:
        return False
    parts = [side / whole for side, whole in zip(shape[2:], like[2:], strict=True)]
    return max(parts) <= min(1, _ALIKE * min(parts))


def places(index: Ints, shape: tuple[int, ...]) -> Ints:
    """(N,) the place in a flattened (batch, places) table of elements of a (batch, channels, ...) tensor."""
    inner = prod(shape[2:])
    return index // (shape[1] * inner) * inner + index % inner


def _unchanged(value: Tensor, _evidence: Tensor, _share: float | None) -> Tensor:
    """What the operation does to the values: only walks take anything away."""
    return value
