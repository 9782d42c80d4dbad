"""Who came from whom over one hop. A walk keeps only what it asked: most walks are never asked who came from whom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cnnfix_core.arrays import Ints
from cnnfix_core.engine import sparse
from cnnfix_core.engine.edges import Edges, Lineage, Listed, Shared
from cnnfix_core.engine.rules import Arrival, Question, Rule
from cnnfix_core.engine.selection import Selection


def arrivals_of(rule: Rule, question: Question) -> list[Arrival]:
    """What a hop brings to inputs that depend on the network's input."""
    return [arrival for arrival in rule.hop(question) if arrival.value.depends and len(arrival.index)]


def lineage_of(arrival: Arrival, parents: int, child: Ints, children: int, scale: float) -> Lineage:
    """Who came from whom, of those that stayed, with all evidence times `scale`.

    parents, children: rows of the two selections. child: (M,) the row of each entry in the input's, -1 if it dropped.
    """
    if isinstance(arrival.parent, Shared):
        return arrival.parent.scaled(scale).renumbered(child, children)
    parent = np.arange(len(child)) if arrival.parent is None else arrival.parent
    return Listed(Edges(*sparse.stayed(parent, child, arrival.evidence, scale)), parents, children)


@dataclass(frozen=True, eq=False)
class LineageOnDemand:
    """The lineage of a hop, found by asking the rule again.

    number: which of the rule's arrivals it is. factor: by which its evidence was scaled to keep the total.
    children: the input's selection. scale: by which what stayed there was scaled.
    """

    question: Question
    rule: Rule
    number: int
    factor: float
    children: Selection
    scale: float

    @property
    def parents(self) -> int:
        """How many rows the output's selection has."""
        return len(self.question.selection)

    @cached_property
    def found(self) -> Lineage:
        """The lineage; kept once it was found."""
        arrival = arrivals_of(self.rule, self.question)[self.number].scaled(self.factor)
        child = self.children.rows_of(arrival.index, arrival.sign)
        return lineage_of(arrival, self.parents, child, len(self.children), self.scale)
