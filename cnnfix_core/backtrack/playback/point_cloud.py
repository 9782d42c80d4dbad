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
    key = selection.index if field is None else field.cells(selection.index)
    sums: Floats = np.bincount(key, selection.evidence).astype(np.float64, copy=False)
    keys = np.flatnonzero(sums)
    order = keys[np.argsort(-sums[keys], kind="stable")]
    rank = np.empty(len(sums), np.int64)
    rank[order] = np.arange(len(order))
    place = order[:, None] if field is None else np.column_stack(np.divmod(order, field.size[1]))
    point = rank[key]
    return Gathered(place, sums[order], point, sparse.prevailing(point, above, selection.evidence))
