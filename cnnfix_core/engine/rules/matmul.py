"""Matrix products whose factors may both depend on the input: attention, and mixing by computed matrices.

softmax(Q K) V is a linear form in V whose coefficients are the attention weights: the walk follows V.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cnnfix_core.arrays import Ints
from cnnfix_core.engine.gates import followed_factors
from cnnfix_core.engine.rules.registry import Arrival, Question, rule
from cnnfix_core.engine.rules.sharing import Terms, through_terms
from cnnfix_core.engine.tape import Operation, Value


@rule("aten.bmm", "aten.mv", "aten.dot", args=(0, 1))
def matrix_product(question: Question) -> Iterable[Arrival]:
    """(B, M, K) times (B, K, O); a matrix or a vector times a vector."""
    a, b = question.operation.args[:2]
    yield from product(question, a, b)


def product(question: Question, a: Value, b: Value) -> Iterable[Arrival]:
    """The walk follows the factor that is not a gate; two features get half each.

    The published algorithm has no rule for products of two activations; here it follows the second.
    """
    followed = followed_factors((a, b), elementwise=False)
    if not question.preset.spread:
        followed = followed[-1:]
    for at in followed:
        terms = partial(_terms, question, (a, b), at)
        yield from through_terms(question, (a, b)[at], terms, a.shape[-1], part=1 / len(followed))


def _as_batches(factors: tuple[Value, Value]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The shapes of the factors as (B, M, K) and (B, K, O)."""
    a, b = (factor.shape for factor in factors)
    a = a if len(a) > 1 else (1, *a)
    b = b if len(b) > 1 else (*b, 1)
    return (1,) * (3 - len(a)) + a, (1,) * (3 - len(b)) + b


def _terms(
    question: Question,
    factors: tuple[Value, Value],
    followed: int,
    rows: Ints,
) -> Terms:
    """For these rows of the selection, K positions in the followed factor (0 or 1), and their coefficients."""
    (batches, m, k), (_, _, o) = _as_batches(factors)
    batch, row, column = np.unravel_index(question.selection.index[rows], (batches, m, o))
    inner = np.arange(k)
    first = ((batch * m + row) * k)[:, None] + inner
    second = (batch * k)[:, None] * o + inner * o + column[:, None]
    index, other = (first, second) if followed == 0 else (second, first)
    return index, factors[1 - followed].array().reshape(-1)[other]


@rule("aten._scaled_dot_product_flash_attention_for_cpu", "aten._scaled_dot_product_flash_attention", args=(0, 1, 2))
def attention(question: Question) -> Iterable[Arrival]:
    """Softmax(q k / sqrt(E)) v (Vaswani et al., NeurIPS 2017, eq. 1).

    q: (B, H, L, E), k: (B, G, S, E), v: (B, G, S, F); H / G heads share their keys. The coefficients are
    recomputed for the selected queries.
    """
    value = question.operation.args[2]
    yield from through_terms(question, value, partial(_attended, question), value.shape[2])


def _attended(question: Question, rows: Ints) -> Terms:
    v, selection = question.operation.args[2], question.selection
    batch, head, _, channel = np.unravel_index(selection.index[rows], selection.shape)
    # All channels of a query have the same row of attention weights.
    queries, which = np.unique(selection.index[rows] // selection.shape[3], return_inverse=True)
    group = batch * v.shape[1] + head * v.shape[1] // selection.shape[1]
    index = (group[:, None] * v.shape[2] + np.arange(v.shape[2])) * v.shape[3] + channel[:, None]
    coefficients = attention_rows(question.operation, queries)[which]
    return np.where(coefficients > 0, index, -1), coefficients  # masked keys are not terms


def attention_rows(operation: Operation, queries: Ints) -> NDArray[Any]:
    """Attention weights, (n, S), of queries given by sorted index over batch, head and position."""
    q, k = (torch.from_numpy(value.array()) for value in operation.args[:2])
    batch, head, query = np.unravel_index(queries, q.shape[:3])
    group = batch * k.shape[1] + head * k.shape[1] // q.shape[1]
    selected, keys = q.flatten(0, 2)[queries], k.flatten(0, 1)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    logits = torch.cat([selected[a:b] @ keys[group[a]].T for a, b in pairwise([*starts, len(group)])])
    scale = operation.kwargs.get("scale")
    logits *= q.shape[3] ** -0.5 if scale is None else scale
    mask = operation.kwargs.get("attn_mask")
    if mask is not None:
        logits += mask.data.expand(*q.shape[:3], k.shape[2])[batch, head, query]
    if len(operation.args) > 4 and operation.args[4]:  # causal: no query sees a later position
        logits[torch.arange(k.shape[2]) > torch.from_numpy(query)[:, None]] = -torch.inf
    return logits.softmax(dim=1).numpy()
