"""Where rules are registered: one rule an operation, found by the operation's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.engine.edges import Shared
from cnnfix_core.engine.selection import Selection
from cnnfix_core.errors import NoRuleError

if TYPE_CHECKING:
    from cnnfix_core.engine.presets import Preset
    from cnnfix_core.engine.tape import Operation, Value
    from cnnfix_core.engine.topology import Structure


@dataclass(frozen=True, slots=True)
class Question:
    """What a rule is asked: these elements of this output of this operation, where do they come from?

    Attributes:
        operation: with its arguments, in which a `Value` stands for each tensor.
        slot: the position of the output among those of the operation.
        selection: the elements of the output, with sign and evidence.
        preset: the settings of the walk.
        structure: answers about the network around the operation.
    """

    operation: Operation
    slot: int
    selection: Selection
    preset: Preset
    structure: Structure


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a hop brings to one input.

    Attributes:
        index: (M,) positions in the flattened input; -1 where the evidence leaves through padding.
        sign: (M,) +1 or -1.
        evidence: (M,) > 0.
        parent: (M,) row of the selection that each entry came from; None: row i from row i. Where entries come from
            many rows each, how these share, with the entries for children.
    """

    value: Value
    index: Ints
    sign: Signs
    evidence: Floats
    parent: Ints | Shared | None = None

    def scaled(self, factor: float) -> Arrival:
        """The same with all evidence times a factor."""
        if factor == 1:
            return self
        parent = self.parent.scaled(factor) if isinstance(self.parent, Shared) else self.parent
        return replace(self, evidence=self.evidence * factor, parent=parent)


@dataclass(frozen=True, slots=True)
class Reads:
    """Positions of the arguments and outputs whose values the rule reads; only those are kept on the tape."""

    args: frozenset[int] = frozenset()
    outputs: frozenset[int] = frozenset()


HopFunction = Callable[[Question], Iterable[Arrival]]


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operation hops, and what it must have kept for that."""

    hop: HopFunction
    reads: Reads


_rules: dict[str, Rule] = {}


def rule(*names: str, args: Iterable[int] = (), outputs: Iterable[int] = ()) -> Callable[[HopFunction], HopFunction]:
    """Register the decorated function as the rule of operations.

    Args:
        names: of the operations, such as "aten.convolution". In-place operations have the name of the other form:
            "aten.relu" for relu_.
        args: positions of the arguments whose values the function reads; only those are kept on the tape.
        outputs: positions of the outputs whose values the function reads.

    Returns:
        A decorator, which returns the function as it is.
    """

    def register(hop: HopFunction) -> HopFunction:
        for name in names:
            _rules[name] = Rule(hop, Reads(frozenset(args), frozenset(outputs)))
        return hop

    return register


def find(name: str) -> Rule | None:
    """The rule of the operation of that name, if there is one."""
    return _rules.get(name)


def no_rule(operation: Operation, what: str | None = None) -> NoRuleError:
    """The error for an operation that has no rule, or none for this use of it."""
    return NoRuleError(
        f"There is no rule for {what or 'the operation'}, {operation.place()}. "
        f'Register one: decorate a function with cnnfix.rule("{operation.name}").'
    )


def known() -> tuple[str, ...]:
    """Names of all operations that have a rule."""
    return tuple(sorted(_rules))
