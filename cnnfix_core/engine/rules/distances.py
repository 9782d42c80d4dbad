"""Distances between vectors, as networks that compare with prototypes compute them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnfix_core.arrays import Ints
from cnnfix_core.engine.positions import broadcast_index
from cnnfix_core.engine.rules.registry import Arrival, Question, no_rule, rule
from cnnfix_core.engine.rules.sharing import Terms, through_terms


@rule("aten._cdist_forward", "aten._euclidean_dist", args=(0, 1))
def distances(question: Question) -> Iterable[Arrival]:
    """The p-norms of the differences of all pairs of vectors: (..., P, M) and (..., R, M) give (..., P, R).

    An element a contributes |a - b|^p - |b|^p, what it adds compared with a = 0: where the question is why a distance
    is low, evidence goes to the elements that bring the vectors together. If both vectors depend on the input, each
    gets half.
    """
    operation, selection = question.operation, question.selection
    pair = operation.args[:2]
    power = float(operation.args[2]) if len(operation.args) > 2 else 2.0
    if not 0 < power < np.inf:
        raise no_rule(operation, "a distance that is not the sum of the coordinates' distances")
    *lead, rows_out, columns_out = selection.shape
    batch, place = np.divmod(selection.index, rows_out * columns_out)
    vector = dict(zip(pair, np.divmod(place, columns_out), strict=True))  # which of the vectors
    length = pair[0].shape[-1]
    starts = {}
    for value in pair:
        own = broadcast_index(batch, value.shape[:-2], lead) if lead else batch
        starts[value] = (own * value.shape[-2] + vector[value]) * length
    followed = [value for value in pair if value.depends]
    for value in followed:
        (other,) = (one for one in pair if one is not value)
        mine, theirs = (one.array().reshape(-1) for one in (value, other))

        def terms(rows: Ints, value=value, other=other, mine=mine, theirs=theirs) -> Terms:  # type: ignore[no-untyped-def]
            index, beside = (starts[one][rows, None] + np.arange(length) for one in (value, other))
            a, b = mine[index], theirs[beside]
            added = np.abs(a - b) ** power - np.abs(b) ** power
            return index, np.divide(added, a, out=np.zeros_like(added), where=a != 0)

        yield from through_terms(question, value, terms, length, keep_all=True, part=1 / len(followed))
