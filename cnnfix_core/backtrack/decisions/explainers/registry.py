"""The registry of explainers: one per family of operations, see `cnnfix_core.engine.families`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.backtrack.decisions.decision import Decision, Kind, Position
from cnnfix_core.backtrack.decisions.explainers.parts import Part, numbers, place_of
from cnnfix_core.backtrack.decisions.explainers.window import Window
from cnnfix_core.engine import (
    FamilyTable,
    HopFunction,
    Operation,
    Preset,
    Question,
    Selection,
    Structure,
    Tape,
    Value,
    rules,
)

Named = Callable[[Value, Position], str]


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Where the element's evidence went in one input tensor: (N,) positions in it flattened, signs, and shares."""

    value: Value
    index: Ints
    sign: Signs
    share: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ElementQuery:
    """One element of an operation's output: its position in the flattened output, and where its evidence went."""

    tape: Tape
    preset: Preset
    operation: Operation
    output: Value
    index: int
    sign: int
    evidence: float
    followed: tuple[Followed, ...]

    @property
    def position(self) -> Position:
        """The element's position."""
        return place_of(self.output, self.index)

    @property
    def number(self) -> float:
        """The element's value."""
        return float(numbers(self.output, np.array([self.index]))[0])

    @property
    def structure(self) -> Structure:
        """The structure of the network around the operation."""
        return Structure(self.tape)

    def sources(self) -> list[tuple[Value, Ints]]:
        """The inputs that the engine goes to, with positions in the flattened input; none for padding.

        If the walk did not follow the element, this runs the operation's rule.
        """
        if self.followed:
            return [(way.value, way.index) for way in self.followed]
        known = rules.find(self.operation.name)
        if known is None:
            raise rules.no_rule(self.operation)
        one = Selection.single(self.output.shape, self.index)
        slot = next(n for n, output in enumerate(self.operation.outputs) if output is self.output)
        arrivals = known.hop(Question(self.operation, slot, one, self.preset, self.structure))
        reached = [(arrival.value, arrival.index[arrival.index >= 0]) for arrival in arrivals if arrival.value.depends]
        return [(value, index) for value, index in reached if len(index)]


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """How an element was computed.

    parts: its inputs. bias: the constant that was added, None if there is none. window: the inputs as a window, for the
    grid. words: makes the sentence from the decision, the preset, and a function that names elements.
    """

    kind: Kind
    parts: tuple[Part, ...]
    words: Callable[[Decision, Preset, Named], str]
    bias: float | None = None
    window: Window | None = None


Explainer = Callable[[ElementQuery], Account]
EXPLAINERS: FamilyTable[Explainer] = FamilyTable("explanation")


def explains(*members: HopFunction | str, replace: bool = False) -> Callable[[Explainer], Explainer]:
    """Register an explainer for operations, given by their rule functions or by name.

    The decorated function takes an `ElementQuery` and returns an `Account`.
    """
    return EXPLAINERS.register(*members, replace=replace)
