"""Movement: operations that put elements elsewhere without changing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine.aliasing import Overwrite, extent, laid_out, layout_of
from cnnfix_core.engine.rules.elementwise import passed
from cnnfix_core.engine.rules.registry import Arrival, Question, no_rule, rule
from cnnfix_core.engine.tape import Value


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


_MOVEMENTS = (
    "aten.stack",
    "aten.unsafe_split",
    "aten.tril",
    "aten.triu",
    "aten.repeat",
    "aten.flip",
    "aten.roll",
    "aten.copy",
    "aten.im2col",
    "aten.slice_scatter",
    "aten.select_scatter",
    "aten.reflection_pad1d",
    "aten.reflection_pad2d",
    "aten.reflection_pad3d",
    "aten.replication_pad1d",
    "aten.replication_pad2d",
    "aten.replication_pad3d",
    "aten.pixel_shuffle",
    "aten.pixel_unshuffle",
    "aten.channel_shuffle",
    "aten.upsample_nearest1d",
    "aten.upsample_nearest2d",
    "aten.upsample_nearest3d",
    "aten._upsample_nearest_exact1d",
    "aten._upsample_nearest_exact2d",
    "aten._upsample_nearest_exact3d",
    Overwrite.name,
)


@rule(*_MOVEMENTS)
# Which elements go where is said by masks and by numbers of places, which must be at hand.
@rule("aten.where", args=(0,))
@rule("aten.index", "aten.take", "aten.masked_select", "aten.max_unpool2d", "aten._pack_padded_sequence", args=(1,))
@rule("aten.gather", "aten.index_select", args=(2,))
def moved(question: Question) -> Iterable[Arrival]:
    """Run the same operation on tensors of element numbers, and read off where each selected element came from.

    Numbers start at 1 and go on from input to input: 0 is what the operation filled in, that is, padding.
    """
    yield from with_numbers(question, question.operation.args)


@rule("aten.index_put", args=(1,))
def put(question: Question) -> Iterable[Arrival]:
    """Elements are written to listed places."""
    if any(question.operation.args[3:]):
        raise no_rule(question.operation, "writing that adds to what was there")
    yield from moved(question)


@rule("aten.masked_fill", args=(1,))
@rule("aten.scatter", args=(2,))
def filled(question: Question) -> Iterable[Arrival]:
    """A number, the last argument, is put in somewhere: whatever it is, it came from no input."""
    *given, last = question.operation.args
    if "reduce" in question.operation.kwargs:
        raise no_rule(question.operation, "writing that adds to what was there, or multiplies it")
    yield from with_numbers(question, (*given, 0 if isinstance(last, (int, float)) else last))


@rule("aten.as_strided", args=(0,))
def restrided(question: Question) -> Iterable[Arrival]:
    """A view of the memory that the tensor lies in."""
    x, size, stride, *offset = question.operation.args
    layout = layout_of(x.data)
    view = size, stride, layout[2] if not offset or offset[0] is None else offset[0]
    numbers = torch.arange(1, 1 + int(np.prod(x.shape)), dtype=torch.float64).reshape(x.shape)
    seen = laid_out(numbers, layout, extent(view)).as_strided(*view).reshape(-1).numpy()
    selection = question.selection
    yield Arrival(x, seen[selection.index].astype(np.int64) - 1, selection.sign, selection.evidence)


def with_numbers(question: Question, given: tuple[Any, ...]) -> Iterable[Arrival]:
    """Run the operation with numbers in the place of the tensors of its arguments, masks and places excepted."""
    operation, selection = question.operation, question.selection
    starts: list[tuple[int, Value]] = []
    following = 1

    def number(value: Value) -> torch.Tensor:
        nonlocal following
        if value.data is not None and not value.data.is_floating_point():
            return value.data
        starts.append((following, value))
        count = int(np.prod(value.shape))
        # Doubles are exact far beyond any tensor's size, and every operation takes them.
        numbers = torch.arange(following, following + count, dtype=torch.float64).reshape(value.shape)
        following += count
        return numbers

    args, kwargs = tree_map_only(Value, number, (given, operation.kwargs))
    with torch.no_grad():
        result: Any = operation.call(*args, **kwargs)
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
