"""Movement: operations that move elements without changing them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine.aliasing import Overwrite, extent, laid_out, layout_of
from cnnfix_core.engine.rules.elementwise import passed
from cnnfix_core.engine.rules.landing import put_and_added
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
    """A new shape with the same elements in the same order."""
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
    "aten.rot90",
    "aten.diag_embed",
    "aten.diagonal_scatter",
    "aten.upsample_nearest1d",
    "aten.upsample_nearest2d",
    "aten.upsample_nearest3d",
    "aten._upsample_nearest_exact1d",
    "aten._upsample_nearest_exact2d",
    "aten._upsample_nearest_exact3d",
    Overwrite.name,
)


@rule(*_MOVEMENTS)
# Masks and indices decide which elements go where, so their values must be kept.
@rule("aten.where", args=(0,))
@rule("aten.index", "aten.take", "aten.masked_select", "aten.max_unpool2d", "aten._pack_padded_sequence", args=(1,))
@rule("aten.max_unpool3d", "aten.masked_scatter", args=(1,))
@rule("aten.gather", "aten.index_select", "aten.index_copy", args=(2,))
def moved(question: Question) -> Iterable[Arrival]:
    """Run the same operation on tensors of element numbers, which shows where each selected element came from.

    Numbers start at 1 and continue from input to input; 0 marks what the operation filled in, that is, padding.
    """
    yield from with_numbers(question, question.operation.args)


@rule("aten.index_put", args=(0, 1, 2))
def put(question: Question) -> Iterable[Arrival]:
    """Elements are written to the given positions, or added to what is there."""
    yield from put_and_added(question) if any(question.operation.args[3:]) else moved(question)


@rule("aten.masked_fill", args=(1,))
@rule("aten.scatter", "aten.index_fill", args=(2,))
def filled(question: Question) -> Iterable[Arrival]:
    """A number, the last argument, is written to some positions: it comes from no input."""
    *given, last = question.operation.args
    if "reduce" in question.operation.kwargs:
        raise no_rule(question.operation, "writing that adds to or multiplies the previous values")
    yield from with_numbers(question, (*given, 0 if isinstance(last, (int, float)) else last))


@rule("aten.as_strided", args=(0,))
def restrided(question: Question) -> Iterable[Arrival]:
    """A view of the tensor's memory with other strides."""
    x, size, stride, *offset = question.operation.args
    layout = layout_of(x.data)
    view = size, stride, layout[2] if not offset or offset[0] is None else offset[0]
    numbers = torch.arange(1, 1 + int(np.prod(x.shape)), dtype=torch.float64).reshape(x.shape)
    seen = laid_out(numbers, layout, extent(view)).as_strided(*view).reshape(-1).numpy()
    selection = question.selection
    yield Arrival(x, seen[selection.index].astype(np.int64) - 1, selection.sign, selection.evidence)


def with_numbers(question: Question, given: tuple[Any, ...]) -> Iterable[Arrival]:
    """Run the operation with element numbers in place of its tensor arguments, except masks and indices."""
    operation, selection = question.operation, question.selection
    starts: list[tuple[int, Value]] = []
    following = 1

    def number(value: Value) -> torch.Tensor:
        nonlocal following
        if value.data is not None and not value.data.is_floating_point():
            return value.data
        starts.append((following, value))
        count = int(np.prod(value.shape))
        # Doubles represent all these numbers exactly, and every operation accepts them.
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
        # Elements that come from no input are reported once, with the first input.
        rows = np.flatnonzero((source == position) | ((source < 0) & (position == 0)))
        index = np.where(origin[rows] > 0, origin[rows] - start, -1)
        yield Arrival(value, index, selection.sign[rows], selection.evidence[rows], rows)


@rule("aten.fill", "aten.zero")
def overwritten(question: Question) -> Iterable[Arrival]:
    """A constant was written: the elements come from no input, like padding."""
    selection = question.selection
    nowhere = np.full(len(selection), -1)
    yield Arrival(question.operation.args[0], nowhere, selection.sign, selection.evidence)
