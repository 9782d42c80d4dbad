"""The lineage of one hop: which elements came from which. It is computed on demand, as most walks do not need it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import sparse
from cnnfix_core.engine.edges import Edges, Lineage, Listed, Shared
from cnnfix_core.engine.rules import Arrival, Question, Rule
from cnnfix_core.engine.selection import Selection


def arrivals_of(rule: Rule, question: Question) -> list[Arrival]:
    """Apply a rule, and keep the arrivals at values that depend on the network's input."""
    return [arrival for arrival in rule.hop(question) if arrival.value.depends and len(arrival.index)]


def lineage_of(arrival: Arrival, parents: int, child: Ints, children: int, scale: float | Floats) -> Lineage:
    """The lineage of the elements that stayed, with all evidence times `scale`, or that of each child times its own.

    parents, children: the number of rows of the two selections. child: (M,) the row of each entry in the input's
    selection, -1 if it was dropped.
    """
    if isinstance(arrival.parent, Shared):
        shared = arrival.parent.renumbered(child, children)
        return shared.scaled(shared.of_children(scale) if isinstance(scale, np.ndarray) else scale)
    parent = np.arange(len(child)) if arrival.parent is None else arrival.parent
    of_each = np.broadcast_to(np.asarray(scale, float), children)
    return Listed(Edges(*sparse.stayed(parent, child, arrival.evidence, of_each)), parents, children)


@dataclass(slots=True, eq=False)
class LineageOnDemand:
    """The lineage of a hop, found by applying the rule again. See `Lineage` for the methods.

    number: index of the hop's arrival among the rule's. factor: scaled its evidence to keep the total, or (parents,)
    that of each item. children: the input's selection. scale: scaled the evidence of the elements that stayed there, or
    (children,) that of each.
    """

    question: Question
    rule: Rule
    number: int
    factor: float | Floats
    children: Selection
    scale: float | Floats
    _known: Lineage | None = field(default=None, init=False)

    @property
    def parents(self) -> int:
        """The number of rows of the output's selection."""
        return len(self.question.selection)

    def of(self, arrival: Arrival) -> Lineage:
        """The lineage, from what the rule answered, scaled."""
        child = self.children.rows_of(arrival.index, arrival.sign)
        return lineage_of(arrival, self.parents, child, len(self.children), self.scale)

    @property
    def _found(self) -> Lineage:
        """The lineage, computed once."""
        if self._known is None:
            self._known = self.of(arrivals_of(self.rule, self.question)[self.number].scaled(self.factor))
        return self._known

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """Those of the lineage, once it was asked for."""
        return self._known.arrays if self._known else ()

    def edges(self) -> Edges:
        """All edges."""
        return self._found.edges()

    def down(self, part: Floats) -> Floats:
        """(children,) evidence from these parts of the parents."""
        return self._found.down(part)

    def up(self, part: Floats) -> Floats:
        """(parents,) evidence to these parts of the children."""
        return self._found.up(part)

    def strongest(self) -> tuple[Ints, Floats]:
        """For each child, the parent that gave most, and how much."""
        return self._found.strongest()
