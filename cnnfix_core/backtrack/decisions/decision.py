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
    "maximum",  # pooling and other selectors: one of several was taken
    "sum",  # addition of branches
    "joined",  # concatenation: it came from one of several tensors
    "gated",  # a product: the feature times its gate
    "scaled",  # normalisation: minus mean, by deviation, times scale, plus shift
    "function",  # an activation function of one number
    "moved",  # the same number, elsewhere
    "input",  # a number of the picture: nothing is behind it
    "other",  # an operation of another family: only where the evidence went is known
]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One input of an element, and what it brought.

    value, position: the input element, activation its number.
    coefficient: None where there is none to speak of (selectors, functions, gates).
    product: coefficient * activation; without a coefficient, the whole number for the one that made it (what a selector
    took, a function's argument), 0 for all others.
    share: of the evidence that went on from the element, what went this way (0: not followed); all shares add up to 1.
    sign: +1 or -1, what is asked there.
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
    """The window in one channel: what the element sees there.

    activations: (rows, columns), NaN outside the tensor (padding); one row where the map is a line. coefficients: the
    filter, same shape, or None (selectors). products: same shape, NaN outside, or None. winner: (row, column) of the
    cell that most evidence went to, None if none was followed.
    channel: of the input. corner: (row, column) in the input's map of the first cell; it may lie outside.
    step: how far neighbouring cells lie apart in the input's map, down and across (dilation).
    depth: the slice of a map with three dimensions, counted in the window; None for others.
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

    operation: that made it, None for an input. position: the element. value: its number. sign: what was asked, +1 why
    it is high, -1 why it is low. evidence: what the walk brought to it.
    terms: the inputs, those that were followed first, then those that speak most for what was asked; at most 12.
    inputs: how many there are.
    others: sum of the products that `terms` does not list. bias: what was added, None where nothing can be.
    value = sum of the terms' products + others + bias, to rounding, for every kind but "input" and "other".
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
