"""Where rules are registered: one rule per operation, found by the operation's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.engine.edges import Shared
from cnnfix_core.engine.selection import Selection
from cnnfix_core.errors import CnnfixError, NoRuleError

if TYPE_CHECKING:
    from cnnfix_core.engine.presets import Preset
    from cnnfix_core.engine.tape import Operation, Value
    from cnnfix_core.engine.topology import Structure


@dataclass(slots=True, eq=False)
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

    @property
    def output(self) -> Value:
        """The output whose elements these are."""
        return self.operation.outputs[self.slot]


@dataclass(slots=True, eq=False)
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

    def scaled(self, factor: float | Floats) -> Arrival:
        """The same with all evidence times a factor, or with that of each row of the selection times its own."""
        if isinstance(factor, float) and factor == 1:
            return self
        parent = self.parent.scaled(factor) if isinstance(self.parent, Shared) else self.parent
        times = factor[self.parents()] if isinstance(factor, np.ndarray) else factor
        return Arrival(self.value, self.index, self.sign, self.evidence * times, parent)

    def parents(self) -> Ints | slice:
        """For each entry, a row of the selection that it came from."""
        if isinstance(self.parent, Shared):
            return self.parent.one_parent()
        return slice(None) if self.parent is None else self.parent


@dataclass(frozen=True, slots=True)
class Reads:
    """Positions of the arguments and outputs whose values the rule reads; only those are kept on the tape."""

    args: frozenset[int] = frozenset()
    outputs: frozenset[int] = frozenset()


HopFunction = Callable[[Question], Iterable[Arrival]]


@dataclass(frozen=True, slots=True)
class Rule:
    """How an operation hops, what it must have kept for that, and which family it belongs to.

    like: the name of the operation that it is like; its own where it is like no other. family: the rule function that
    tables know its family by: `hop`, or the one of the operation that it is like.
    """

    hop: HopFunction
    reads: Reads
    like: str
    family: HopFunction


_rules: dict[str, Rule] = {}
_changes = 0


def rule(
    *names: str, args: Iterable[int] = (), outputs: Iterable[int] = (), like: str | None = None, replace: bool = False
) -> Callable[[HopFunction], HopFunction]:
    """Register the decorated function as the rule of operations.

    Args:
        names: of the operations, such as "aten.convolution", or "mylib.double_relu" for torch.ops.mylib.double_relu.
            In-place operations have the name of the other form: "aten.relu" for relu_.
        args: positions of the arguments whose values the function reads; only those are kept on the tape.
        outputs: positions of the outputs whose values the function reads.
        like: an operation that has a rule and takes the same arguments. All that is known about it beside the rule
            (receptive field, explanation, excitation backpropagation) then holds for these operations too.
        replace: replace rules that are there. What else is known about the operations stays, unless `like` says other.

    Returns:
        A decorator, which returns the function as it is.

    Raises:
        CnnfixError: when it decorates: one of the operations has a rule and `replace` is False, or `like` has none.
    """

    def register(hop: HopFunction) -> HopFunction:
        for name in names:
            if name in _rules and not replace:
                raise CnnfixError(f"There is a rule for {name!r} already: rule({name!r}, replace=True) replaces it.")
        if like is not None and like not in _rules:
            raise CnnfixError(f"There is no rule for {like!r}, so no operation can be like it.")
        for name in names:
            model = _rules.get(like or name)
            reads = Reads(frozenset(args), frozenset(outputs))
            _rules[name] = Rule(hop, reads, model.like if model else name, model.family if model else hop)
        note_change()
        return hop

    return register


def note_change() -> None:
    """Note that something was registered: what was found out about networks may no longer hold."""
    global _changes  # noqa: PLW0603  # a counter
    _changes += 1


def changes() -> int:
    """How often something was registered."""
    return _changes


def known_as(operation: Operation) -> str:
    """The name by which tables know the operation: its own, or that of the operation that it is like."""
    found = find(operation.name)
    return found.like if found else operation.name


def find(name: str) -> Rule | None:
    """The rule for the operation with that name, if there is one."""
    return _rules.get(name)


def no_rule(operation: Operation, what: str | None = None) -> NoRuleError:
    """The error for an operation without a rule, or without one for this use of it."""
    return NoRuleError(
        f"There is no rule for {what or 'the operation'}, {operation.place()}. "
        f'Register one: decorate a function with cnnfix.rule("{operation.name}").'
    )


def known() -> tuple[str, ...]:
    """Names of all operations that have a rule."""
    return tuple(sorted(_rules))
