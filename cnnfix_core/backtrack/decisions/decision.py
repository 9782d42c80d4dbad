"""What decided a hop: the inputs that an element was computed from, with the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Operation, Value

Position = tuple[int, ...]
Kind = Literal[
    "window",  # convolution, average pooling: inputs in a window times a filter, summed
    "mean",  # a whole feature map averaged or summed
    "dense",  # fully connected layer, matrix product, attention: all inputs times coefficients, summed
    "maximum",  # max pooling and other selectors: one of several elements was chosen
    "sum",  # addition of branches
    "joined",  # concatenation: it came from one of several tensors
    "gated",  # a product: the feature times its gate
    "scaled",  # normalisation: minus the mean, divided by the deviation, times the scale, plus the shift
    "function",  # an activation function of one number
    "moved",  # the same number in another place
    "input",  # an element of the picture, where the walk ends
    "other",  # an operation without an explainer: only where the evidence went is known
]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One input of an element, and what it contributed.

    value, position: the input element; activation: its value.
    coefficient: None where there is none (selectors, functions, gates).
    product: coefficient * activation; without a coefficient, the element's value for the input that determined it (the
    one that a selector chose, the argument of a function), 0 for all others.
    share: fraction of the evidence passed on by the element that went to this input (0: not followed); all shares add
    up to 1. sign: the question there, +1 why it is high, -1 why it is low.
    """

    value: Value
    position: Position
    activation: float
    coefficient: float | None
    product: float
    share: float
    sign: int


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """What the element sees in one channel: the window there.

    activations: (rows, columns), NaN outside the tensor (padding); one row if the map has one dimension.
    coefficients: the filter, same shape, or None (selectors). products: same shape, NaN outside, or None.
    winner: (row, column) of the cell that received most evidence, None if none was followed.
    channel: of the input. corner: (row, column) of the first cell in the input's map; it may be outside the map.
    step: distance between neighbouring cells in the input's map, down and across (dilation).
    depth: the slice of the window shown if the map has three dimensions, otherwise None.
    """

    channel: int
    corner: tuple[int, int]
    activations: Floats
    coefficients: Floats | None
    products: Floats | None
    winner: tuple[int, int] | None
    step: tuple[int, int] = (1, 1)
    depth: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """How one element of a selection was computed, and where its evidence went.

    operation: the one that computed it, None for an input. position, value: of the element. sign: the question, +1 why
    it is high, -1 why it is low. evidence: what the walk brought to it.
    terms: at most 12 inputs: first those that were followed, then those whose products best answer the question.
    inputs: how many there are in total.
    others: sum of the products that `terms` does not list. bias: the constant that was added, None if there is none.
    Up to rounding, value = sum of the terms' products + others + bias, for every kind but "input" and "other".
    sentence: all this in words.
    """

    kind: Kind
    operation: Operation | None
    position: Position
    value: float
    sign: int
    evidence: float
    terms: tuple[Term, ...]
    inputs: int
    others: float
    bias: float | None
    grid: Grid | None
    sentence: str
