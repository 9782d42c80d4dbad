"""Views, concatenation and padding: an element's origin follows from its position alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import prod

import numpy as np
import torch

from cnnfix_core.engine import sparse
from cnnfix_core.engine.positions import in_memory
from cnnfix_core.engine.rules.registry import Arrival, Question, rule


@rule(
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
    "aten.diagonal",
    "aten.unfold",
)
def viewed(question: Question) -> Iterable[Arrival]:
    """A view of the same memory: the strides of a tensor without data show where each element comes from."""
    operation, selection = question.operation, question.selection
    x, *rest = operation.args
    result = operation.call(torch.empty(x.shape, device="meta"), *rest, **operation.kwargs)
    view = result if isinstance(result, torch.Tensor) else result[question.slot]
    index = in_memory(selection.index, view.shape, view.stride(), int(view.storage_offset()))
    yield Arrival(x, index, selection.sign, selection.evidence)


@rule("aten.cat")
def joined(question: Question) -> Iterable[Arrival]:
    """Concatenation: with the dimensions from the joined one on flattened, each input holds a stretch of every row."""
    values, *dim = question.operation.args
    selection = question.selection
    rows = prod(selection.shape[: dim[0] % len(selection.shape) if dim else 0])
    ends = np.cumsum([prod(value.shape) // rows for value in values])
    *columns, starts = sparse.parted(selection.index, selection.sign, selection.evidence, ends)
    for value, (start, end) in zip(values, pairwise(starts.tolist()), strict=True):
        if start < end:
            yield Arrival(value, *[column[start:end] for column in columns])


@rule("aten.constant_pad_nd")
def padded(question: Question) -> Iterable[Arrival]:
    """A border of constants, which come from no input; negative padding crops."""
    x, borders = question.operation.args[:2]
    selection = question.selection
    before = np.zeros(len(x.shape), np.int64)
    before[len(x.shape) - len(borders) // 2 :] = borders[-2::-2]  # listed from the last dimension
    place = selection.coordinates - before
    inside = ((place >= 0) & (place < x.shape)).all(axis=1)
    index = np.where(inside, np.ravel_multi_index(tuple(place.T), x.shape, mode="clip"), -1)
    yield Arrival(x, index, selection.sign, selection.evidence)
