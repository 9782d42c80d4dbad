"""Shared by the rules of linear forms: who gets how much of an element's evidence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core import entries
from cnnfix_core.presets import Preset
from cnnfix_core.rules.registry import Arrival, Question
from cnnfix_core.selection import Floats, Ints, Signs
from cnnfix_core.tape import Value


def proportion(products: NDArray[Any], evidence: Floats) -> Floats:
    """Each row's evidence, in proportion to its positive products: (N, M). Rows without any get nothing."""
    shares: Floats = entries.in_proportion(products, evidence)
    return shares


def largest_only(products: NDArray[Any]) -> NDArray[Any]:
    """The products with all but the first largest of each row struck out."""
    first = products.argmax(axis=1)[:, None] == np.arange(products.shape[1])
    return np.where(first, 1.0, 0.0)


def arrival(question: Question, value: Value, index: Ints, evidence: Floats) -> Arrival:
    """Arrival of an (N, M) table of evidence at the (N, M) positions of one input; entries without evidence fall out.

    What contributes positively is asked about in the direction of its own sign: a low input is asked why it is low.
    """
    reached, brought, parent = entries.listed(index, evidence)
    return Arrival(value, reached, child_signs(question.preset, value, reached), brought, parent)


def child_signs(preset: Preset, value: Value, index: Ints) -> Signs:
    """+1 where the input's value is positive, -1 where it is negative; always +1 in an unsigned walk."""
    if not preset.signed:
        return np.ones(len(index), np.int8)
    return _direction(value.array().reshape(-1)[index])


def turned(question: Question, coefficient: NDArray[Any]) -> Signs:
    """The signs of the questions after passing a factor: a negative one turns them around."""
    sign = question.selection.sign
    if not question.preset.signed:
        return sign
    return sign * _direction(coefficient)


def _direction(numbers: NDArray[Any]) -> Signs:
    """-1 for negative numbers, otherwise +1."""
    return 1 - 2 * (numbers < 0).view(np.int8)
