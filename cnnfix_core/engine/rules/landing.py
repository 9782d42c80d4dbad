"""Operations that add elements up where they land: scattering with a sum, and folding patches that overlap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cnnfix_core.arrays import Ints
from cnnfix_core.engine.rules.registry import Arrival, Question, no_rule, rule
from cnnfix_core.engine.rules.sharing import child_signs
from cnnfix_core.engine.tape import Value

# A tensor, positions in it, and where in the flattened output each lands (-1: nowhere).
Landing = tuple[Value, Ints, Ints]


@rule("aten.col2im", args=(0,))
def folded(question: Question) -> Iterable[Arrival]:
    """Patches that are added up where they overlap: the inverse way of im2col."""
    x, size, *geometry = question.operation.args
    planes = int(np.prod(question.selection.shape)) // int(np.prod(size))
    pixels = torch.arange(1, 1 + int(np.prod(size)), dtype=torch.float64).reshape(1, 1, *size)
    seen = torch.ops.aten.im2col(pixels, *geometry).reshape(-1).numpy().astype(np.int64) - 1
    to = np.where(seen >= 0, np.arange(planes)[:, None] * int(np.prod(size)) + seen, -1).reshape(-1)
    return landed(question, [(x, np.arange(len(to)), to)])


@rule("aten.scatter_add", args=(0, 2, 3))
@rule("aten.scatter_reduce", args=(0, 2, 3))
def scattered(question: Question) -> Iterable[Arrival]:
    """Elements that are added to those at given places along a dimension."""
    base, dim, index, source, *how = question.operation.args
    if how and how[0] not in ("sum", "mean"):
        raise no_rule(question.operation, f"scattering that keeps the {how[0]}")
    places = index.data.cpu()
    to = _numbers(base).gather(dim, places)
    of = _numbers(source)[tuple(slice(size) for size in places.shape)]
    return _added(question, base, source, of, to)


@rule("aten.index_add", args=(0, 2, 3))
def added_along(question: Question) -> Iterable[Arrival]:
    """Slices that are added to those of given numbers along a dimension."""
    base, dim, index, source = question.operation.args[:4]
    return _added(question, base, source, _numbers(source), _numbers(base).index_select(dim, index.data.cpu()))


def put_and_added(question: Question) -> Iterable[Arrival]:
    """`index_put` that adds to the previous values."""
    base, places, source = question.operation.args[:3]
    to = _numbers(base)[tuple(slice(None) if one is None else one.data.cpu() for one in places)]
    return _added(question, base, source, _numbers(source).expand(to.shape), to)


def _numbers(value: Value) -> Tensor:
    return torch.arange(int(np.prod(value.shape))).reshape(value.shape)


def _added(question: Question, base: Value, source: Value, of: Tensor, to: Tensor) -> Iterable[Arrival]:
    own = np.arange(int(np.prod(base.shape)))
    stays = question.operation.kwargs.get("include_self", True)
    both: list[Landing] = [(base, own, own)] if stays else []
    return landed(question, [*both, (source, of.reshape(-1).numpy(), to.reshape(-1).numpy())])


def landed(question: Question, landings: Sequence[Landing]) -> Iterable[Arrival]:
    """All positive contributions to an output share its evidence; under the published rules the largest gets it."""
    selection = question.selection
    followed = [one for one in landings if one[0].depends]
    tensor = np.repeat(np.arange(len(followed)), [len(of) for _, of, _ in followed])
    values: Any = np.concatenate([value.at(of) for value, of, _ in followed])
    of, to = (np.concatenate([one[n] for one in followed]) for n in (1, 2))
    order = np.argsort(to, kind="stable")
    first, last = (np.searchsorted(to[order], selection.index, side) for side in ("left", "right"))
    counts = last - first
    row = np.repeat(np.arange(len(selection)), counts)
    entry = order[np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)]
    products = values[entry] * selection.sign[row]
    if question.preset.spread:
        positive = np.maximum(products, 0).astype(float)
        total = np.bincount(row, positive, len(selection))[row]
        shares = positive / np.where(total > 0, total, 1)
    else:
        best = np.lexsort((np.arange(len(row)), -products, row))
        shares = np.zeros(len(row))
        shares[best[np.diff(row[best], prepend=-1) > 0]] = 1
    evidence = shares * selection.evidence[row]
    for number, (value, _, _) in enumerate(followed):
        mine = np.flatnonzero((tensor[entry] == number) & (evidence > 0))
        reached = of[entry[mine]]
        yield Arrival(value, reached, child_signs(question.preset, value, reached), evidence[mine], row[mine])
