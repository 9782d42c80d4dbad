"""Who led to whom: the ancestry of chosen elements up to the score, and what came through them down to the input."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine import Trace, Value


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """All that led to chosen elements of a value, and all that came through them.

    carried: for each value on the line, (N,) for each row of its selection: of the chosen elements the evidence that
    they hold, below them what came through them, above them what went through the row to them. Above, each hop passes
    on the sum whole, and the score has what the chosen elements hold. Below, what the walk dropped is missing.
    """

    trace: Trace
    carried: dict[Value, Floats]

    def part(self, value: Value) -> Floats:
        """(N,) 0 to 1: how much of the evidence of each row of the value's selection is on the line.

        Where a walk drops elements, their evidence goes to those that stay: more than a row holds can then have gone
        through it. That counts as all.
        """
        evidence = self.trace.selection(value).evidence
        return np.minimum(self.carried.get(value, np.zeros(len(evidence))) / evidence, 1)


class Parents(NamedTuple):
    """For each row of a selection the number of the hop, in the trace, and the row of that hop's output's selection."""

    hop: Ints
    row: Ints


def line(trace: Trace, value: Value, rows: Ints) -> Line:
    """The line of these rows of a value's selection, with all of their evidence.

    Above them are ancestors only, below them descendants only.
    """
    evidence = trace.selection(value).evidence
    chosen = np.zeros(len(evidence))
    chosen[rows] = evidence[rows]
    above, below = {value: chosen}, {value: chosen}
    # All hops into a value follow each other, after those into what they come from.
    for hop in reversed(trace.hops):
        if hop.input in above:
            _add(above, hop.output, hop.up(above[hop.input] / trace.selection(hop.input).evidence))
    for hop in trace.hops:
        if hop.output in below:
            _add(below, hop.input, hop.down(below[hop.output] / trace.selection(hop.output).evidence))
    return Line(trace, above | below)


def _add(carried: dict[Value, Floats], value: Value, evidence: Floats) -> None:
    """Add it to what the value carries, if it is anything."""
    if evidence.any():
        carried[value] = carried[value] + evidence if value in carried else evidence


def strongest_parents(trace: Trace) -> dict[Value, Parents]:
    """For each value of the walk but the score: where most of each row's evidence came from, the first on ties."""
    into: dict[Value, list[int]] = defaultdict(list)
    for number, hop in enumerate(trace.hops):
        into[hop.input].append(number)
    return {value: _strongest(trace, hops) for value, hops in into.items()}


def _strongest(trace: Trace, hops: list[int]) -> Parents:
    """Over all these hops into one value: the strongest parent of each row."""
    found = [trace.hops[number].strongest() for number in hops]
    best = np.stack([came for _, came in found]).argmax(axis=0)
    rows = np.stack([parent for parent, _ in found])
    return Parents(np.array(hops)[best], rows[best, np.arange(len(best))])
