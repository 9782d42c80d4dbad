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
        """(N, ndim) positions, one column a dimension: for an image (batch, channel, y, x)."""
        columns = np.unravel_index(self.index, self.shape) if self.shape else ()
        return np.array(columns, np.int64).reshape(len(self.shape), len(self)).T

    @property
    def total(self) -> float:
        """Sum of the evidence."""
        return float(self.evidence.sum())

    @classmethod
    def empty(cls, shape: Sequence[int]) -> Selection:
        """No element."""
        return cls(tuple(shape), np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0))

    @classmethod
    def single(cls, shape: Sequence[int], index: int) -> Selection:
        """One element with all the evidence, asked why it is high."""
        return cls(tuple(shape), np.array([index], np.int64), np.ones(1, np.int8), np.ones(1))

    @classmethod
    def merge(cls, shape: Sequence[int], index: Ints, sign: Signs, evidence: Floats) -> tuple[Selection, Ints]:
        """Add up evidence that meets at one element with one sign; also says which row each entry went to.

        Entries of index -1 are in no row: they went to -1.
        """
        if sparse.in_order(index, sign):  # and nothing meets, as after most elementwise hops
            return cls(tuple(shape), index, sign, evidence), np.arange(len(index))
        *columns, row = sparse.merged_within(index, sign, evidence, prod(shape))
        return cls(tuple(shape), *columns), row

    def rows_of(self, index: Ints, sign: Signs) -> Ints:
        """The row of each of these elements with its sign; -1 where there is none."""
        keys, wanted = (at * 2 + (signs > 0) for at, signs in ((self.index, self.sign), (index, sign)))
        row = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return np.where(keys[row] == wanted, row, -1)

    def strongest(self, beam: int | None) -> tuple[Selection, Ints]:
        """The `beam` strongest elements with the total kept, and the new row of each old one (-1: dropped).

        Among elements of equal evidence the one with the lower index stays.
        """
        if beam is None or len(self) <= beam:
            return self, np.arange(len(self))
        weakest = sparse.kth_largest(self.evidence, beam)
        at, sign, evidence, row = sparse.at_least(self.index, self.sign, self.evidence, weakest, beam)
        return Selection(self.shape, at, sign, evidence * (self.total / evidence.sum())), row
