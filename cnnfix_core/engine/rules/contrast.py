"""A contrast: the evidence for other scores is taken away from the places of the last feature map."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnfix_core.engine.last_map import RATHER_THAN, places
from cnnfix_core.engine.rules.registry import Arrival, Question, rule


@rule(RATHER_THAN, args=(1,))
def rather_than(question: Question) -> Iterable[Arrival]:
    """Keep of each place what it has beyond `share` of the others' evidence there; its elements lose in proportion.

    Evidence for the score and for the others is compared as shares of the total.
    """
    x, evidence, given = question.operation.args
    selection, others = question.selection, evidence.array()
    share = question.preset.contrast if given is None else given
    at = places(selection.index, x.shape)
    own = np.bincount(at, selection.evidence, others.size).reshape(others.shape)
    beyond = np.maximum(own - share * own.sum() * others, 0)
    kept = selection.evidence * np.divide(beyond, own, out=np.zeros_like(own), where=own > 0).reshape(-1)[at]
    rows = np.flatnonzero(kept)
    yield Arrival(x, selection.index[rows], selection.sign[rows], kept[rows], rows)
