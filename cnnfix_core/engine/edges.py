"""Lineage of one hop: a list of edges, or what says the same in less memory where there is an order in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.engine import kernels, sparse


class Edges(NamedTuple):
    """Lineage as a list.

    Attributes:
        parent: Rows of the output's selection.
        child: Rows of the input's selection.
        evidence: What the child got from the parent.
    """

    parent: NDArray[np.int32]
    child: NDArray[np.int32]
    evidence: Floats


class Lineage(Protocol):
    """Which child got evidence from which parent: rows of the input's and of the output's selection."""

    @property
    def parents(self) -> int:
        """Number of rows of the output's selection."""

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What it keeps in memory, beside the tape."""

    def edges(self) -> Edges:
        """All edges as a list."""

    def down(self, part: Floats) -> Floats:
        """(children,) sums of evidence * part[parent] over the edges; part: (parents,)."""

    def up(self, part: Floats) -> Floats:
        """(parents,) sums of evidence * part[child] over the edges; part: (children,)."""

    def strongest(self) -> tuple[Ints, Floats]:
        """For each child, the parent that gave most (the first on ties) and how much; -1 and 0.0 without a parent."""


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Lineage as a list of edges. See `Lineage` for the methods."""

    listed: Edges
    parents: int
    children: int

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The list."""
        return self.listed

    def edges(self) -> Edges:
        """The list itself."""
        return self.listed

    def down(self, part: Floats) -> Floats:
        """(children,) evidence from these parts of the parents."""
        parent, child, evidence = self.listed
        came: Floats = sparse.carried(parent, child, evidence, part, self.children)
        return came

    def up(self, part: Floats) -> Floats:
        """(parents,) evidence to these parts of the children."""
        parent, child, evidence = self.listed
        went: Floats = sparse.carried(child, parent, evidence, part, self.parents)
        return went

    def strongest(self) -> tuple[Ints, Floats]:
        """For each child, the parent that gave most, and how much."""
        parent, evidence = sparse.strongest(*self.listed, self.children)
        return parent, evidence


@dataclass(frozen=True, slots=True, eq=False)
class Unmoved:
    """Lineage of a hop over which each row keeps its number and all its evidence. See `Lineage` for the methods.

    evidence: (rows,), of both selections.
    """

    evidence: Floats

    @property
    def parents(self) -> int:
        """Number of rows of either selection."""
        return len(self.evidence)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The evidence, which the selections have, too."""
        return (self.evidence,)

    def edges(self) -> Edges:
        """One edge for each row."""
        rows = np.arange(self.parents, dtype=np.int32)
        return Edges(rows, rows, self.evidence)

    def down(self, part: Floats) -> Floats:
        """(children,) evidence from these parts of the parents."""
        return self.evidence * part

    def up(self, part: Floats) -> Floats:
        """(parents,) evidence to these parts of the children."""
        return self.evidence * part

    def strongest(self) -> tuple[Ints, Floats]:
        """For each child, its only parent, and all its evidence."""
        return np.arange(self.parents), self.evidence


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Lineage of a matrix product whose outputs share their evidence among all contributing inputs.

    The edges are computed only on request.

    Attributes:
        x: (M, K), the input.
        w: (O, K), the weights, of the same dtype.
        at: (parents, 2), the outputs as (row, column).
        sign: (parents,).
        evidence: (parents,).
        index: (N,), positions in the flattened x; contributions to other positions are dropped.
        child: (N,), the child at each of these positions, without duplicates.
        children: Number of children.
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
        """Number of outputs."""
        return len(self.at)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """All but input and weights."""
        return self.at, self.sign, self.evidence, self.index, self.child

    def scaled(self, factor: float | Floats) -> Shared:
        """The same with all evidence times a factor, or with that of each parent, (parents,), times its own."""
        return replace(self, evidence=self.evidence * factor)

    def renumbered(self, number: Ints, children: int) -> Shared:
        """The same with children renumbered to number[child]; -1 drops a child."""
        child = number[self.child]
        stay = child >= 0
        return replace(self, index=self.index[stay], child=child[stay], children=children)

    def of_children(self, numbers: Floats) -> Floats:
        """(parents,) numbers that are the same for all children of a row, (children,), by the rows of the parents."""
        by_row = np.zeros(len(self.x))
        by_row[self.index // self.x.shape[1]] = numbers[self.child]
        found: Floats = by_row[self.at[:, 0]]
        return found

    def one_parent(self) -> Ints:
        """(N,) a parent of each child: one of the outputs in its row."""
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
        """(children,) evidence from these parts of the parents."""
        giving = np.flatnonzero(part)
        came = np.zeros(self.children)
        came[self.child] = self._given(giving, self.evidence[giving] * part[giving])
        return came

    def up(self, part: Floats) -> Floats:
        """(parents,) evidence to these parts of the children."""
        parts = np.zeros(self.x.shape)
        parts.reshape(-1)[self.index] = part[self.child]
        return kernels.share_of(self.x, self.w, self.at, self.sign, parts) * self.evidence

    def strongest(self) -> tuple[Ints, Floats]:
        """For each child, the parent that gave most, and how much."""
        giver, given = kernels.largest_shares(self.x, self.w, self.at, self.sign, self.evidence)
        parent, evidence = np.full(self.children, -1), np.zeros(self.children)
        parent[self.child] = giver.reshape(-1)[self.index]
        evidence[self.child] = given.reshape(-1)[self.index]
        return parent, evidence

    def _given(self, parents: Ints, evidence: Floats) -> Floats:
        """(N,) the evidence that these parents, with this evidence of their own, give to each position in `index`."""
        arrived = kernels.share_rows(self.x, self.w, self.at[parents], self.sign[parents], evidence)
        return arrived.reshape(-1)[self.index]
