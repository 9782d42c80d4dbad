"""Elements grouped into points: all elements at one place form a point, whose parent is a point of the step before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import Selection, sparse
from cnnfix_core.receptive_fields import Field


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """The points of one selection, strongest first.

    place: (N, 2) rows and columns; (N, 1) positions in the flattened tensor without a map. evidence: (N,) > 0.
    point: (elements,) the point of each row of the selection, counted from 0. parent: (N,) the label that most of the
    evidence came from.
    """

    place: Ints
    evidence: Floats
    point: Ints
    parent: Ints


def gathered(selection: Selection, field: Field | None, above: Ints) -> Gathered:
    """Group a selection into points. above: (elements,) >= -1, a label for what led to each row."""
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
    """(groups,) the label with the largest sum of weights in each group, the smallest on ties.

    group: (N,) numbers from 0, without gaps. label: (N,). weight: (N,) > 0.
    """
    low, span = int(label.min()), int(np.ptp(label)) + 1
    pairs, _, sums, _ = sparse.merged(group * span + (label - low), np.ones(len(group), np.int8), weight)
    of, which = np.divmod(pairs, span)
    starts = np.flatnonzero(np.diff(of, prepend=-1))
    largest = np.flatnonzero(sums == np.maximum.reduceat(sums, starts)[of])
    first = largest[np.flatnonzero(np.diff(of[largest], prepend=-1))]
    labels: Ints = which[first] + low
    return labels
