"""Selection: elements of one tensor, each with a sign and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.engine import sparse


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """A set of elements of one tensor of `shape`; rows are sorted by index, then sign, and no row occurs twice.

    Attributes:
        index: (N,) position in the flattened tensor.
        sign: (N,) +1 where we ask why the element is high, -1 where we ask why it is low.
        evidence: (N,) > 0, the share of the target's score that the walk brought here.
    """

    shape: tuple[int, ...]
    index: Ints
    sign: Signs
    evidence: Floats

    def __len__(self) -> int:
        return len(self.index)

    @property
    def coordinates(self) -> Ints:
        """(N, ndim) positions, one column per dimension: (batch, channel, y, x) for an image."""
        columns = np.unravel_index(self.index, self.shape) if self.shape else ()
        return np.array(columns, np.int64).reshape(len(self.shape), len(self)).T

    @property
    def arrays(self) -> tuple[Ints, Signs, Floats]:
        """Its columns."""
        return self.index, self.sign, self.evidence

    @property
    def total(self) -> float:
        """Sum of the evidence."""
        return float(self.evidence.sum())

    @classmethod
    def empty(cls, shape: Sequence[int]) -> Selection:
        """A selection without elements."""
        return cls(tuple(shape), np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0))

    @classmethod
    def single(cls, shape: Sequence[int], index: int) -> Selection:
        """One element with all the evidence and sign +1."""
        return cls(tuple(shape), np.array([index], np.int64), np.ones(1, np.int8), np.ones(1))

    @classmethod
    def merge(cls, shape: Sequence[int], index: Ints, sign: Signs, evidence: Floats) -> Selection:
        """Add up the evidence of entries with the same element and sign. Entries with index -1 are left out."""
        if sparse.in_order(index, sign):  # nothing to add up, as after most elementwise hops
            return cls(tuple(shape), index, sign, evidence)
        return cls(tuple(shape), *sparse.merged_within(index, sign, evidence, prod(shape)))

    def rows_of(self, index: Ints, sign: Signs) -> Ints:
        """The row of each of these elements and signs; -1 if there is none."""
        return sparse.rows_within(self.index, self.sign, index, sign, prod(self.shape))

    def strongest(self, beam: int | None) -> tuple[Selection, float]:
        """The `beam` strongest elements, with their evidence times a factor that keeps the total, and that factor.

        Of elements with equal evidence, the one with the lower index stays.
        """
        if beam is None or len(self) <= beam:
            return self, 1.0
        weakest = sparse.kth_largest(self.evidence, beam)
        at, sign, evidence = sparse.at_least(self.index, self.sign, self.evidence, weakest, beam)
        factor = self.total / float(evidence.sum())
        return Selection(self.shape, at, sign, evidence * factor), factor

    def split(self, starts: Ints) -> list[Selection]:
        """The rows before the first of these, from there to the next, and so on."""
        columns = (np.split(column, starts) for column in (self.index, self.sign, self.evidence))
        return [Selection(self.shape, *part) for part in zip(*columns, strict=True)]
