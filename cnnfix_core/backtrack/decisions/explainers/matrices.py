"""Fully connected layers, matrix products and attention: all inputs times coefficients, summed."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.decisions.explainers.parts import Part, linear, number_at, numbers
from cnnfix_core.backtrack.decisions.explainers.registry import Account, ElementQuery, explains
from cnnfix_core.backtrack.decisions.sentences import weighted
from cnnfix_core.engine import Value, as_array, followed_factors
from cnnfix_core.engine.rules.linear import addmm, mm
from cnnfix_core.engine.rules.matmul import attention, matrix_product


@explains(addmm)
def with_bias(asked: ElementQuery) -> Account:
    """A fully connected layer with a bias: beta * bias + alpha * x times matrix."""
    bias, x, matrix = asked.operation.args[:3]
    options = asked.operation.kwargs
    added = options.get("beta", 1) * number_at(bias, asked.output.shape, asked.index)
    parts = _parts(asked, x, matrix, float(options.get("alpha", 1)))
    return Account("dense", parts, weighted(_factor(matrix)), added)


@explains(mm, matrix_product)
def without_bias(asked: ElementQuery) -> Account:
    """(B, M, K) times (B, K, O); a matrix or a vector times a vector."""
    a, b = asked.operation.args[:2]
    return Account("dense", _parts(asked, a, b, 1.0), weighted(_factor(b)))


def _factor(matrix: Value) -> str:
    return "" if matrix.depends else "the weight "


def _parts(asked: ElementQuery, a: Value, b: Value, alpha: float) -> tuple[Part, ...]:
    """The terms of the factor that the walk follows; if it follows both, each gets half of every product."""
    inner = np.arange(a.shape[-1])
    left, right = len(a.shape) > 1, len(b.shape) > 1
    columns = b.shape[-1] if right else 1
    rest, column = divmod(asked.index, columns)
    batch, _ = divmod(rest, a.shape[-2]) if left else (0, 0)
    of_a = rest * len(inner) + inner
    of_b = (batch * len(inner) + inner) * columns + column
    followed = followed_factors((a, b), elementwise=False)
    pairs = ((a, of_a, b, of_b), (b, of_b, a, of_a))
    scale = alpha / len(followed)
    return tuple(linear(x, at, scale * numbers(y, of_y)) for x, at, y, of_y in (pairs[n] for n in followed))


@explains(attention)
def attended(asked: ElementQuery) -> Account:
    """Softmax(q k / sqrt(E)) v (Vaswani et al., NeurIPS 2017, eq. 1): the attention weights are v's coefficients.

    q: (B, H, L, E), k: (B, G, S, E), v: (B, G, S, F); H / G heads share their keys.
    """
    q, k, v = asked.operation.args[:3]
    batch, head, query, channel = asked.position
    group = head * k.shape[1] // q.shape[1]
    weights = _attention(asked, (batch, head, query), _row(k, (batch, group)), _row(q, (batch, head, query)))
    places = np.flatnonzero(weights > 0)  # masked keys are not inputs
    start = (batch * v.shape[1] + group) * v.shape[2]
    index: Ints = (start + places) * v.shape[3] + channel
    return Account("dense", (linear(v, index, weights[places]),), weighted("the attention "))


def _row(value: Value, at: tuple[int, ...]) -> Floats:
    data: Any = value.data
    return as_array(data[at]).astype(np.float64)


def _attention(asked: ElementQuery, at: tuple[int, int, int], keys: Floats, query: Floats) -> Floats:
    """The attention weights of one query: (S,)."""
    operation = asked.operation
    scale, mask = operation.kwargs.get("scale"), operation.kwargs.get("attn_mask")
    logits = keys @ query * (len(query) ** -0.5 if scale is None else scale)
    if mask is not None:
        full = mask.data.expand(*asked.output.shape[:3], len(keys))
        logits = logits + as_array(full[at]).astype(np.float64)
    if len(operation.args) > 4 and operation.args[4]:  # causal: a query sees no later key
        logits[at[2] + 1 :] = -np.inf
    weights = np.exp(logits - logits.max())
    attention: Floats = weights / weights.sum()
    return attention
