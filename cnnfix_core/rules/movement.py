"""Movement: operations that put elements elsewhere without changing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map_only

from cnnfix_core.memory import Overwrite
from cnnfix_core.rules.elementwise import passed
from cnnfix_core.rules.registry import Arrival, Question, rule
from cnnfix_core.tape import Value


@rule(
    "aten.view",
    "aten._unsafe_view",
    "aten.reshape",
    "aten._reshape_alias",
    "aten.squeeze",
    "aten.unsqueeze",
    "aten.clone",
    "aten.detach",
    "aten.alias",
    "aten.contiguous",
    "aten._to_copy",
    "aten.lift_fresh",
)
def same_order(question: Question) -> Iterable[Arrival]:
    """Another shape, the same elements in the same order."""
    yield passed(question, question.selection.sign)


@rule(
    "aten.cat",
    "aten.stack",
    "aten.constant_pad_nd",
    "aten.permute",
    "aten.transpose",
    "aten.t",
    "aten.slice",
    "aten.select",
    "aten.narrow",
    "aten.split",
    "aten.split_with_sizes",
    "aten.chunk",
    "aten.unbind",
    "aten.expand",
    "aten.repeat",
    "aten.flip",
    "aten.roll",
    "aten.copy",
    "aten.reflection_pad1d",
    "aten.reflection_pad2d",
    "aten.replication_pad1d",
    "aten.replication_pad2d",
    "aten.pixel_shuffle",
    "aten.pixel_unshuffle",
    "aten.channel_shuffle",
    "aten.upsample_nearest1d",
    "aten.upsample_nearest2d",
    Overwrite.name,
)
def moved(question: Question) -> Iterable[Arrival]:
    """Run the same operation on tensors of element numbers, and read off where each selected element came from.

    Numbers start at 1 and go on from input to input: 0 is what the operation filled in, that is, padding.
    """
    operation, selection = question.operation, question.selection
    starts: list[tuple[int, Value]] = []
    following = 1

    def number(value: Value) -> torch.Tensor:
        nonlocal following
        starts.append((following, value))
        count = int(np.prod(value.shape))
        # Doubles are exact far beyond any tensor's size, and every operation takes them.
        numbers = torch.arange(following, following + count, dtype=torch.float64).reshape(value.shape)
        following += count
        return numbers

    args, kwargs = tree_map_only(Value, number, (operation.args, operation.kwargs))
    with torch.no_grad():
        result: Any = operation.call(*_filled_with_zero(operation.name, args), **kwargs)
    output = result if isinstance(result, torch.Tensor) else result[question.slot]
    origin = output.reshape(-1)[torch.from_numpy(selection.index)].numpy().astype(np.int64)

    source = np.searchsorted([start for start, _ in starts], origin, side="right") - 1
    for position, (start, value) in enumerate(starts):
        # What came from no input at all is reported once, with the first.
        rows = np.flatnonzero((source == position) | ((source < 0) & (position == 0)))
        index = np.where(origin[rows] > 0, origin[rows] - start, -1)
        yield Arrival(value, index, selection.sign[rows], selection.evidence[rows], rows)


@rule("aten.fill", "aten.zero")
def overwritten(question: Question) -> Iterable[Arrival]:
    """A constant was written there: what is asked came from no input, like padding."""
    selection = question.selection
    nowhere = np.full(len(selection), -1)
    yield Arrival(question.operation.args[0], nowhere, selection.sign, selection.evidence)


def _filled_with_zero(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Padding with a constant pads the numbers with 0, whatever the constant."""
    return args[:2] if name == "aten.constant_pad_nd" else args
