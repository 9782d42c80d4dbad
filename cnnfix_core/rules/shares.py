"""Shared by the rules of linear forms: who gets how much of an element's evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.presets import Preset
from cnnfix_core.rules.registry import Arrival, Question
from cnnfix_core.selection import Floats, Ints, Signs
from cnnfix_core.tape import Value


def proportion(products: NDArray[Any], evidence: Floats) -> Floats:
    """Each row's evidence, in proportion to its positive products: (N, M). Rows without any get nothing."""
    positive = np.maximum(products, 0).astype(np.float64)
    total = positive.sum(axis=1, keepdims=True)
    scale = np.divide(evidence[:, None], total, out=np.zeros_like(total), where=total > 0)
    shares: Floats = positive * scale
    return shares


def largest_only(products: NDArray[Any]) -> NDArray[Any]:
    """The products with all but the first largest of each row struck out."""
    first = products.argmax(axis=1)[:, None] == np.arange(products.shape[1])
    return np.where(first, 1.0, 0.0)


def arrival(question: Question, value: Value, index: Ints, evidence: Floats) -> Arrival:
    """Arrival of an (N, M) table of evidence at the (N, M) positions of one input; entries without evidence fall out.

    What contributes positively is asked about in the direction of its own sign: a low input is asked why it is low.
    """
    parent, column = np.nonzero(evidence > 0)
    reached = index[parent, column]
    return Arrival(value, reached, child_signs(question.preset, value, reached), evidence[parent, column], parent)


def child_signs(preset: Preset, value: Value, index: Ints) -> Signs:
    """+1 where the input's value is positive, -1 where it is negative; always +1 in an unsigned walk."""
    if not preset.signed:
        return np.ones(len(index), np.int8)
    return np.where(value.array().reshape(-1)[index] < 0, -1, 1).astype(np.int8)


def turned(question: Question, coefficient: NDArray[Any]) -> Signs:
    """The signs of the questions after passing a factor: a negative one turns them around."""
    sign = question.selection.sign
    if not question.preset.signed:
        return sign
    return np.where(coefficient < 0, -sign, sign).astype(np.int8)
