"""Who came from whom over one hop: a list of edges, or, where they would be millions, what they are worked out from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.engine import kernels, sparse


class Edges(NamedTuple):
    """Who came from whom: rows of the output's selection, rows of the input's, and the evidence that went over."""

    parent: NDArray[np.int32]
    child: NDArray[np.int32]
    evidence: Floats


class Lineage(Protocol):
    """Who came from whom: parents are the rows of the output's selection, children those of the input's."""

    @property
    def parents(self) -> int:
        """How many rows the output's selection has."""

    def edges(self) -> Edges:
        """All edges, one by one."""

    def down(self, part: Floats) -> Floats:
        """(children,) sums of evidence * part[parent] over the edges; part: (parents,)."""

    def up(self, part: Floats) -> Floats:
        """(parents,) sums of evidence * part[child] over the edges; part: (children,)."""

    def strongest(self) -> tuple[Ints, Floats]:
        """(children,) the parent that gave most, the first on ties, and how much; -1 and 0.0 where none gave."""


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A list of edges. `Lineage` says what the methods give."""

    listed: Edges
    parents: int
    children: int

    def edges(self) -> Edges:
        """The list itself."""
        return self.listed

    def down(self, part: Floats) -> Floats:
        """(children,) what came from these parts of the parents."""
        parent, child, evidence = self.listed
        came: Floats = sparse.carried(parent, child, evidence, part, self.children)
        return came

    def up(self, part: Floats) -> Floats:
        """(parents,) what went to these parts of the children."""
        parent, child, evidence = self.listed
        went: Floats = sparse.carried(child, parent, evidence, part, self.parents)
        return went

    def strongest(self) -> tuple[Ints, Floats]:
        """(children,) the parent that gave most, and how much."""
        parent, evidence = sparse.strongest(*self.listed, self.children)
        return parent, evidence


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Each output of a matrix product shares its evidence among all that contributed: never listed unless asked to.

    x: (M, K), w: (O, K) of the same dtype. at: (parents, 2) outputs (row, column); sign, evidence: (parents,).
    index: (N,) positions in the flattened x; child: (N,) who is there, no number twice. Other places lead nowhere.
    """

    x: NDArray[Any]
    w: NDArray[Any]
    at: Ints
    sign: Signs
    evidence: Floats
    index: Ints
    child: Ints
    children: int

    @property
    def parents(self) -> int:
        """How many outputs share."""
        return len(self.at)

    def scaled(self, factor: float) -> Shared:
        """The same with all evidence times a factor."""
        return replace(self, evidence=self.evidence * factor)

    def renumbered(self, number: Ints, children: int) -> Shared:
        """The same with new numbers for the children: number[child], below `children`; -1 drops a child."""
        child = number[self.child]
        stay = child >= 0
        return replace(self, index=self.index[stay], child=child[stay], children=children)

    def one_parent(self) -> Ints:
        """(N,) a parent of each place: one of the outputs in its row."""
        by_row = np.full(len(self.x), -1)
        by_row[self.at[:, 0]] = np.arange(self.parents)
        found: Ints = by_row[self.index // self.x.shape[1]]
        return found

    def edges(self) -> Edges:
        """All edges, parent by parent."""
        children, evidence = [], []
        for parent in range(self.parents):
            given = self._given(np.array([parent]), self.evidence[[parent]])
            reached = np.flatnonzero(given)
            children.append(self.child[reached].astype(np.int32))
            evidence.append(given[reached])
        parents = np.repeat(np.arange(self.parents, dtype=np.int32), [len(one) for one in children])
        return Edges(parents, np.concatenate(children), np.concatenate(evidence))

    def down(self, part: Floats) -> Floats:
        """(children,) what came from these parts of the parents."""
        giving = np.flatnonzero(part)
        came = np.zeros(self.children)
        came[self.child] = self._given(giving, self.evidence[giving] * part[giving])
        return came

    def up(self, part: Floats) -> Floats:
        """(parents,) what went to these parts of the children."""
        parts = np.zeros(self.x.shape)
        parts.reshape(-1)[self.index] = part[self.child]
        return kernels.share_of(self.x, self.w, self.at, self.sign, parts) * self.evidence

    def strongest(self) -> tuple[Ints, Floats]:
        """(children,) the parent that gave most, and how much."""
        giver, given = kernels.largest_shares(self.x, self.w, self.at, self.sign, self.evidence)
        parent, evidence = np.full(self.children, -1), np.zeros(self.children)
        parent[self.child] = giver.reshape(-1)[self.index]
        evidence[self.child] = given.reshape(-1)[self.index]
        return parent, evidence

    def _given(self, parents: Ints, evidence: Floats) -> Floats:
        """(N,) what these parents, with so much evidence, give to each place."""
        arrived = kernels.share_rows(self.x, self.w, self.at[parents], self.sign[parents], evidence)
        return arrived.reshape(-1)[self.index]
