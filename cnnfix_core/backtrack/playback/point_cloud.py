"""Elements gathered to points: those at one place are one point, whose parent is a point of the layer before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.receptive_fields.fields import Field
from cnnfix_core.engine import Selection, sparse


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """The points of one selection, strongest first.

    place: (N, 2) rows and columns; (N, 1) positions in the flattened tensor where there is no map. evidence: (N,) > 0.
    point: (elements,) for each row of the selection its point, from 0 on. parent: (N,) label from which most of the
    evidence came.
    """

    place: Ints
    evidence: Floats
    point: Ints
    parent: Ints


def gathered(selection: Selection, field: Field | None, above: Ints) -> Gathered:
    """Gather a selection. above: (elements,) >= -1, a label of what led to each row."""
    key = selection.index if field is None else field.places(selection.index) @ np.array([field.size[1], 1])
    sums: Floats = np.bincount(key, selection.evidence).astype(np.float64, copy=False)
    keys = np.flatnonzero(sums)
    order = keys[np.argsort(-sums[keys], kind="stable")]
    rank = np.empty(len(sums), np.int64)
    rank[order] = np.arange(len(order))
    place = order[:, None] if field is None else np.column_stack(np.divmod(order, field.size[1]))
    point = rank[key]
    return Gathered(place, sums[order], point, prevailing(point, above, selection.evidence))


def prevailing(group: Ints, label: Ints, weight: Floats) -> Ints:
    """(groups,) the label with the largest sum of weights in each group, the smallest of equals.

    group: (N,) all numbers from 0 on occur. label: (N,). weight: (N,) > 0.
    """
    low, span = int(label.min()), int(np.ptp(label)) + 1
    pairs, _, sums, _ = sparse.merged(group * span + (label - low), np.ones(len(group), np.int8), weight)
    of, which = np.divmod(pairs, span)
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    largest = np.flatnonzero(sums == np.maximum.reduceat(sums, starts)[of])
    first = largest[np.flatnonzero(np.diff(of[largest], prepend=-1))]
    labels: Ints = which[first] + low
    return labels
