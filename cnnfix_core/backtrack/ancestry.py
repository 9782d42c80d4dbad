"""Lineage: the ancestors of chosen elements up to the score, and their descendants down to the input."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import Trace, Value


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Everything that led to chosen elements of a value, and everything that came from them.

    carried: for each value on the line, the (N,) evidence on the line of each row of its selection. The chosen elements
    carry what they hold. Those below carry what came through the chosen ones, those above what went through them to the
    chosen ones. Going up, every hop keeps the sum, up to the score. Going down, what the walk dropped is missing.
    """

    trace: Trace
    carried: dict[Value, Floats]

    def part(self, value: Value) -> Floats:
        """(N,) 0 to 1: the fraction of each row's evidence, in the value's selection, that is on the line.

        Where a walk drops elements, the remaining ones receive their evidence, so a row can have passed on more than it
        holds. That counts as 1.
        """
        evidence = self.trace.selection(value).evidence
        return np.minimum(self.carried.get(value, np.zeros(len(evidence))) / evidence, 1)


class Parents(NamedTuple):
    """For each row of a selection, the index of a hop in the trace, and a row of the selection of its output."""

    hop: Ints
    row: Ints


def line(trace: Trace, value: Value, rows: Ints) -> Line:
    """The line of these rows of a value's selection, with all of their evidence.

    It has only ancestors above them, and only descendants below them.
    """
    evidence = trace.selection(value).evidence
    chosen = np.zeros(len(evidence))
    chosen[rows] = evidence[rows]
    above, below = {value: chosen}, {value: chosen}
    # The trace lists all hops into a value together, after the hops into the values they come from.
    for hop in reversed(trace.hops):
        if hop.input in above:
            _add(above, hop.output, hop.up(above[hop.input] / trace.selection(hop.input).evidence))
    for hop in trace.hops:
        if hop.output in below:
            _add(below, hop.input, hop.down(below[hop.output] / trace.selection(hop.output).evidence))
    return Line(trace, above | below)


def _add(carried: dict[Value, Floats], value: Value, evidence: Floats) -> None:
    """Add evidence to what the value carries, unless all of it is 0."""
    if evidence.any():
        carried[value] = carried[value] + evidence if value in carried else evidence


def strongest_parents(trace: Trace) -> dict[Value, Parents]:
    """For each value of the walk except the score: where most of each row's evidence came from, the first on ties."""
    into: dict[Value, list[int]] = defaultdict(list)
    for number, hop in enumerate(trace.hops):
        into[hop.input].append(number)
    return {value: _strongest(trace, hops) for value, hops in into.items()}


def _strongest(trace: Trace, hops: list[int]) -> Parents:
    """The strongest parent of each row of a value; hops: all hops into it."""
    first, *others = hops
    rows, most = trace.hops[first].strongest()
    hop = np.full(len(rows), first)
    for number in others:
        parent, came = trace.hops[number].strongest()
        more = came > most
        hop, rows, most = np.where(more, number, hop), np.where(more, parent, rows), np.where(more, came, most)
    return Parents(hop, rows)
