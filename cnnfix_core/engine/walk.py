"""The walk: from an element of the output back to the input, one rule per operation, with its lineage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import prod
from operator import index
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints, Signs
from cnnfix_core.engine import rules, sparse
from cnnfix_core.engine.difference import with_difference
from cnnfix_core.engine.edges import Edges, Lineage, Shared, Unmoved
from cnnfix_core.engine.last_map import last_map, places
from cnnfix_core.engine.lineage import LineageOnDemand, arrivals_of
from cnnfix_core.engine.presets import EVIDENCE, Preset, get_preset
from cnnfix_core.engine.recording import go_on
from cnnfix_core.engine.rules import Arrival, Question, Rule
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.tape import Operation, Tape, Value, as_array
from cnnfix_core.engine.topology import Structure
from cnnfix_core.engine.units import Unit
from cnnfix_core.errors import NothingContributesError, TargetError
from cnnfix_core.utils.notebook import marked

Target = Sequence[int] | Sequence[Sequence[int]] | Callable[[Any], Any] | Unit


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """One operation's step back, from one of its outputs to one of its inputs. Their selections are in the trace.

    Parents are rows of the output's selection, children rows of the input's. All hops into a value together bring each
    child its evidence. A parent may pass on less or more than it has: where elements drop out of a walk, the others
    get their evidence, in proportion.

    shared: whether this is a fully connected layer in which every output shares among all inputs, so that it has very
    many edges.
    """

    operation: Operation
    output: Value
    input: Value
    shared: bool
    _lineage: Lineage = field(repr=False)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What its lineage keeps in memory."""
        return self._lineage.arrays

    def edges(self) -> Edges:
        """List which child came from which parent. For a large fully connected layer this is slow and long."""
        return self._lineage.edges()

    def down(self, part: Floats) -> Floats:
        """(children,) the evidence that this hop brings from fractions of the parents.

        part: (parents,) fraction of each parent's evidence to count, 0 to 1.
        """
        return self._lineage.down(part)

    def up(self, part: Floats) -> Floats:
        """(parents,) the evidence that this hop took to fractions of the children.

        part: (children,) fraction of each child's evidence to count, 0 to 1.
        """
        return self._lineage.up(part)

    def of(self, row: int) -> tuple[Ints, Floats]:
        """The children of one parent and the evidence that each got from it over this hop, strongest first."""
        came = self.down(np.eye(1, self._lineage.parents, row)[0])
        children = np.argsort(-came, kind="stable")[: np.count_nonzero(came)]
        return children, came[children]

    def strongest(self) -> tuple[Ints, Floats]:
        """(children,) the parent that most evidence came from over this hop, the first on ties, and how much.

        -1 and 0.0 for children that got nothing over this hop.
        """
        return self._lineage.strongest()


@dataclass(frozen=True, slots=True, eq=False)
class Fixated:
    """Elements of an input tensor that a walk reached.

    index: (N, ndim) positions, (batch, channel, y, x) for pictures. evidence: (N,) > 0. sign: (N,) +1 or -1.
    """

    index: Ints
    evidence: Floats
    sign: Signs

    def __len__(self) -> int:
        return len(self.evidence)


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a walk stops.

    Attributes:
        operation: The name of the operation.
        module: The name of the module that it ran in, "" for the outermost.
        evidence: What arrived there and is lost, 0 to 1: by the rules of the walk, the part of the score that what was
            not followed could carry.
        why: In a sentence.
    """

    operation: str
    module: str
    evidence: float
    why: str

    @classmethod
    def at(cls, operation: Operation, evidence: float, why: str) -> Stop:
        """A stop at an operation."""
        return cls(operation.name, operation.module, evidence, why)


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """The elements that a walk passed through, without its hops."""

    tape: Tape
    _selections: Mapping[Value, Selection] = field(repr=False)

    def selection(self, value: Value) -> Selection:
        """The elements of a value that the walk passed through; empty if it did not reach the value."""
        return self._selections.get(value) or Selection.empty(value.shape)

    @property
    def fixations(self) -> Fixated:
        """The elements of the first input that were reached."""
        return self.fixations_of(0)

    def _repr_png_(self) -> bytes | None:
        """What a notebook shows: where the walk reached the picture it began with; None if the input is no picture."""
        reached, data = self.fixations, self.tape.inputs[0].data
        if data is None or data.ndim != 4 or not len(reached):
            return None
        item, _, y, x = reached.index.T
        found = np.zeros(data.shape[2:])
        np.add.at(found, (y, x), reached.evidence)
        return marked(found, as_array(data[item[0]]).mean(axis=0))

    def fixations_of(self, number: int) -> Fixated:
        """The elements of one of several inputs that were reached."""
        selection = self.selection(self.tape.inputs[number])
        return Fixated(selection.coordinates, selection.evidence, selection.sign)


@dataclass(frozen=True, slots=True, eq=False)
class Trace(Passage):
    """One walk.

    Attributes:
        hops: in the order of the walk, from the output to the inputs.
        left: evidence that did not arrive, by reason: "padding", "bias" (no input contributed to any of the
            elements that the walk had reached in an operation's output), and, if there is any, "not followed" (see
            `cuts`). This and what arrived at all inputs add up to 1.
        cuts: where the dependence on the input goes through what walks do not follow: complex numbers, whole numbers,
            or numbers that left PyTorch.
    """

    preset: Preset
    hops: tuple[Hop, ...]
    left: dict[str, float]
    cuts: tuple[Stop, ...]

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What it keeps in memory, beside the tape: selections and lineage."""
        selections = (selection.arrays for selection in self._selections.values())
        return tuple(chain(*selections, *(hop.arrays for hop in self.hops)))

    @property
    def values(self) -> tuple[Value, ...]:
        """All values that the walk passed through, from the output to the inputs."""
        return tuple(self._selections)


def unravel(tape: Tape, target: Target, preset: str | Preset = EVIDENCE, rivals: Sequence[Sequence[int]] = ()) -> Trace:
    """Walk back from an element of the tape's output to the inputs (Mopuri, Garg, Babu, IEEE TIP 28(5), 2019).

    Args:
        tape: returned by `record`.
        target: the element's position in the first tensor of the result, such as (0, 281) for class 281 of the first
            picture; or two positions, (a, b), to explain the difference of the two scores, why a rather than b; or a
            function that computes one number from the module's result, such as
            `lambda result: result["out"][0, 15][region].sum()`; or a `Unit`, an element or a channel inside the network
            for the first picture. A channel needs a tape by `record_whole`.
        preset: "evidence", "published", or a preset of your own.
        rivals: positions of other scores: the preset's `contrast` of their evidence is taken away at the last feature
            map, so that the walk explains what is more than theirs. Networks without such a map ignore them.

    Returns:
        The trace. `trace.fixations` are the elements of the first input that were reached. If the module has a single
        input, their evidence and what was lost on the way add up to 1.

    Raises:
        TargetError: the position is outside the output, or the function does not return one number.
        NoRuleError: an operation has no rule.
        NotFiniteError: an activation that the walk needs is NaN or infinite.
        NothingContributesError: no input contributes to the target.
    """
    preset = get_preset(preset)
    tape, start = starting_at(tape, target, preset)
    if not isinstance(target, Unit) or tape.output.data is not None:
        tape.output.array()
    if rivals and preset.contrast:
        tape = _against(tape, [_flat(tape, rival) for rival in rivals], preset) or tape
    return Walk(tape, preset).from_element(start)


def unravel_on(tape: Tape, reached: Selection, preset: str | Preset = EVIDENCE) -> Trace:
    """Continue a walk from elements of the tape's output that a walk on another tape reached, keeping their evidence.

    reached: must have the output's shape. What arrives and what is lost add up to its total. Raises what `unravel`
    raises, and TargetError for another shape or no elements.
    """
    if reached.shape != tape.output.shape or not len(reached):
        raise TargetError(
            f"The walk cannot continue from {len(reached)} elements of a tensor of shape {reached.shape}: "
            f"it needs at least one, and the shape {tape.output.shape}."
        )
    tape.output.array()
    return Walk(tape, get_preset(preset)).from_selection(reached)


def unravel_again(trace: Trace, preset: str | Preset) -> Trace:
    """Repeat a walk from the same element of the same tape under another preset. Raises what `unravel` raises."""
    (start,) = trace.selection(trace.tape.output).index
    return Walk(trace.tape, get_preset(preset)).from_element(int(start))


def starting_at(tape: Tape, target: Target, preset: Preset) -> tuple[Tape, int]:
    """The tape whose output contains the target, and its position in the flattened output. Raises TargetError.

    For "a rather than b" it is a tape on which the preset's walks take b's evidence away.
    """
    if isinstance(target, Unit):
        tape, place = target.start(tape)
        return tape, int(np.ravel_multi_index(place, tape.output.shape))
    if callable(target):
        tape = go_on(tape, target)
        if prod(tape.output.shape) != 1:
            shape = tape.output.shape
            raise TargetError(f"The target must be one number, but its function returned a tensor of shape {shape}.")
        return tape, 0
    if _is_pair(target):
        a, b = _pair(tape, target)
        contrasted = _against(tape, [_flat(tape, b)], preset, share=1.0)
        return (contrasted, _flat(tape, a)) if contrasted else with_difference(tape, a, b)
    return tape, _flat(tape, target)


def _flat(tape: Tape, position: Sequence[Any]) -> int:
    """Where a position is in the flattened output. Raises TargetError outside of it."""
    return int(np.ravel_multi_index(_checked(tape, position), tape.output.shape))


def _against(tape: Tape, others: Sequence[int], preset: Preset, share: float | None = None) -> Tape | None:
    """A tape on which walks take away evidence for other scores at the last feature map; None if there is no map.

    others: the positions of scores in the flattened output. share: how much of their evidence is taken away, 0 to 1;
    None: the preset's `contrast`.
    """
    at = last_map(tape)
    return None if at is None else at.without(_evidence_on(at.value, at.head, others, preset), share)


def _evidence_on(value: Value, head: Tape, scores: Sequence[int], preset: Preset) -> Floats:
    """(batch, places) the evidence for these scores, equally weighted, at the places of the map; sums to 1, or to 0."""
    shape = value.shape
    size = shape[0], prod(shape[2:])
    start = np.unique(np.array(scores, np.int64))
    each = np.full(len(start), 1 / len(start))
    try:
        found = Walk(head, preset).from_selection(
            Selection(head.output.shape, start, np.ones(len(start), np.int8), each)
        )
    except NothingContributesError:
        return np.zeros(size)
    reached = found.selection(value)
    evidence = np.zeros(prod(size))
    np.add.at(evidence, places(reached.index, shape), reached.evidence / reached.total)
    return evidence.reshape(size)


def _is_pair(target: Any) -> bool:
    """Whether these are positions and not a position, or what is neither."""
    return isinstance(target, Sequence) and any(isinstance(part, list | tuple) for part in target)


def _pair(tape: Tape, target: Sequence[Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if len(target) != 2:
        raise TargetError(f"A contrast takes two elements of the output, (a, b); {len(target)} were given.")
    a, b = (_checked(tape, part) for part in target)
    if a == b:
        raise TargetError(f"The element {a} cannot be compared with itself: choose another second element.")
    return a, b


def _numbers(shape: Sequence[int]) -> str:
    return "1 whole number" if len(shape) == 1 else f"{len(shape)} whole numbers"


def _checked(tape: Tape, position: Sequence[Any]) -> tuple[int, ...]:
    """The position as a tuple, checked to be inside the output; negative numbers are nearly always a mistake."""
    if not tape.output.depends:
        raise TargetError(
            "The first tensor of the result does not depend on the input: pass a function that computes the number to "
            "explain from the result."
        )
    shape = tape.output.shape
    try:
        plain = tuple(index(number) for number in position)
    except TypeError:
        raise TargetError(
            f"The target {position!r} is no position in the output, whose shape is {shape}: give {_numbers(shape)}, "
            f"such as {(0,) * len(shape)}, a pair of positions, a Unit or a function."
        ) from None
    if len(plain) != len(shape) or any(not 0 <= n < size for n, size in zip(plain, shape, strict=True)):
        raise TargetError(
            f"The target {plain} is not an element of the output, whose shape is {shape}: "
            f"it needs {_numbers(shape)}, each at least 0 and less than the size of its dimension."
        )
    return plain


class Delivery(NamedTuple):
    """What one hop brought to one of its inputs.

    number: index of the arrival among the rule's. factor: scaled its evidence to keep the total, or for each row of the
    output's selection that of its item.
    """

    question: Question
    rule: Rule
    arrival: Arrival
    number: int
    factor: float | Floats


class Walk:
    """The state of a walk: arrivals wait at each value until all operations that use the value have been walked."""

    def __init__(self, tape: Tape, preset: Preset) -> None:
        self._tape, self._preset = tape, preset
        self._structure = Structure(tape)
        self._waiting: dict[Value, list[Delivery]] = defaultdict(list)
        self.selections: dict[Value, Selection] = {}
        self._hops: list[Hop] = []
        self.left = {"padding": 0.0, "bias": 0.0}
        self.cuts: dict[Operation, Stop] = {}
        self._largest_loss = (0.0, "")

    def from_element(self, start: int) -> Trace:
        """Walk from one element of the output, given by its position in the flattened output."""
        return self.from_selection(Selection.single(self._tape.output.shape, start))

    def from_selection(self, start: Selection) -> Trace:
        """Walk from elements of the output."""
        tape = self._tape
        self.selections[tape.output] = start
        for operation in reversed(tape.operations):
            for slot, value in enumerate(operation.outputs):
                self._settle(value)
                if selection := self.selections.get(value):
                    self._hop(operation, slot, selection)
        for value in tape.inputs:
            self._settle(value)
        trace = Trace(tape, self.selections, self._preset, tuple(self._hops), self.left, tuple(self.cuts.values()))
        if not any(len(trace.selection(value)) for value in tape.inputs):
            raise NothingContributesError(self._end())
        return trace

    def _end(self) -> str:
        """Where and why most evidence was lost, in a sentence."""
        most = max(self.cuts.values(), key=lambda stop: stop.evidence, default=None)
        if most is not None and most.evidence >= self._largest_loss[0]:
            return f"No part of the input is reached. {most.why}"
        return (
            f"No part of the input contributes to the target: the walk ended at {self._largest_loss[1]}, where no "
            "input contributes. Choose another target or another preset."
        )

    def _hop(self, operation: Operation, slot: int, selection: Selection) -> None:
        if cut := operation.cut():
            self._cut(operation, selection.total, cut)
            return
        question, rule = Question(operation, slot, selection, self._preset, self._structure), self._rule(operation)
        self._deliver(question, rule, arrivals_of(rule, question))

    def _cut(self, operation: Operation, evidence: float, cut: str) -> None:
        """Lose the evidence at an operation whose inputs are not followed."""
        before = self.cuts[operation].evidence if operation in self.cuts else 0.0
        why = f"The dependence on the input goes through {cut}, which walks do not follow, at {operation.place()}."
        self.cuts[operation] = Stop.at(operation, before + evidence, why)
        self._lose("not followed", evidence, operation)

    def _rule(self, operation: Operation) -> Rule:
        known = rules.find(operation.name)
        if known is None:
            raise rules.no_rule(operation)
        return known

    def _deliver(self, question: Question, rule: Rule, arrivals: Sequence[Arrival]) -> None:
        """Queue the arrivals from a value at the inputs, scaled to keep the evidence of the value, or of each item."""
        factor = self._factor(question, arrivals)
        for number, arrival in enumerate(arrivals):
            self._waiting[arrival.value].append(Delivery(question, rule, arrival.scaled(factor), number, factor))

    def _factor(self, question: Question, arrivals: Sequence[Arrival]) -> float | Floats:
        """What keeps the total: elements without a contributing input drop out like those outside the beam.

        Items, such as pictures or frames in one batch, keep their own totals: then one factor for each row.
        """
        operation, selection = question.operation, question.selection
        if len(arrivals) == 1 and arrivals[0].parent is None and arrivals[0].evidence is selection.evidence:
            return 1.0  # as after most elementwise hops
        groups = self._groups(question.output, selection)
        if groups is None:
            came = sum(float(arrival.evidence.sum()) for arrival in arrivals)
            self._lose("bias", 0.0 if came else selection.total, operation)
            return selection.total / came if came else 1.0
        size = int(groups.max()) + 1
        total, each = np.bincount(groups, selection.evidence, size), np.zeros(size)
        for arrival in arrivals:
            each += np.bincount(groups[arrival.parents()], arrival.evidence, size)
        self._lose("bias", float(total[each == 0].sum()), operation)
        factors: Floats = np.divide(total, each, out=np.zeros(size), where=each > 0)[groups]
        return factors

    def _groups(self, value: Value, selection: Selection) -> Ints | None:
        """The item of each row, numbered from 0, if there are several."""
        index, count = selection.index, self._structure.items(value)
        size = prod(value.shape) // count
        if count < 2 or not len(index) or index[0] // size == index[-1] // size:
            return None
        found: Ints = index // size
        return found

    def _lose_outside(self, deliveries: Sequence[Delivery]) -> None:
        """Lose what left through padding."""
        for delivery in deliveries:
            outside = delivery.arrival.evidence[delivery.arrival.index < 0]
            self._lose("padding", float(outside.sum()), delivery.question.operation)

    def _lose(self, reason: str, evidence: float, operation: Operation) -> None:
        if not evidence:
            return
        self.left[reason] = self.left.get(reason, 0.0) + evidence
        self._largest_loss = max(self._largest_loss, (evidence, operation.place()))

    def _settle(self, value: Value) -> None:
        """After all uses of the value have been walked: merge what they brought, prune it, and record the hops."""
        deliveries = self._waiting.pop(value, [])
        if not deliveries:
            return
        if self._pass_on(value, deliveries):
            return
        index, sign, evidence = _joined([delivery.arrival for delivery in deliveries])
        if sparse.any_outside(index):
            self._lose_outside(deliveries)
        merged = Selection.merge(value.shape, index, sign, evidence)
        kept, scale = self._strongest(value, merged)
        if not len(kept):
            return
        self.selections[value] = kept
        for delivery in deliveries:
            self._note(value, delivery, self._lineage(delivery, kept, scale))

    def _pass_on(self, value: Value, deliveries: Sequence[Delivery]) -> bool:
        """Reuse the selection of an output that arrived unchanged, if there is nothing to merge or prune."""
        arrival, before = deliveries[0].arrival, deliveries[0].question.selection
        beam = self._preset.beam
        if len(deliveries) > 1 or not _unchanged(arrival, before) or (beam is not None and len(before) > beam):
            return False
        self.selections[value] = Selection(value.shape, before.index, before.sign, before.evidence)
        self._note(value, deliveries[0], Unmoved(before.evidence))
        return True

    def _strongest(self, value: Value, merged: Selection) -> tuple[Selection, float | Floats]:
        """The elements that stay, as in `Selection.strongest`. Items are pruned on their own: a factor for each row."""
        groups = self._groups(value, merged)
        if groups is None:
            return merged.strongest(self._preset.beam)
        parts = [part.strongest(self._preset.beam) for part in merged.split(np.flatnonzero(np.diff(groups)) + 1)]
        columns = ([getattr(part, name) for part, _ in parts] for name in ("index", "sign", "evidence"))
        factors = np.repeat([factor for _, factor in parts], [len(part) for part, _ in parts])
        return Selection(merged.shape, *map(np.concatenate, columns)), factors

    def _lineage(self, delivery: Delivery, kept: Selection, scale: float | Floats) -> Lineage:
        """Where what stayed of a delivery came from. scale: the factor by which each remaining element grew."""
        question, rule, arrival, number, factor = delivery
        on_demand = LineageOnDemand(question, rule, number, factor, kept, scale)
        return on_demand.of(arrival) if self._tape.whole else on_demand

    def _note(self, value: Value, delivery: Delivery, lineage: Lineage) -> None:
        """Record a hop."""
        question, shared = delivery.question, isinstance(delivery.arrival.parent, Shared)
        self._hops.append(Hop(question.operation, question.output, value, shared, lineage))


def _unchanged(arrival: Arrival, selection: Selection) -> bool:
    """Whether a hop arrives at the same elements that it started from, as most elementwise operations do."""
    same = arrival.index is selection.index and arrival.evidence is selection.evidence
    return arrival.parent is None and same and arrival.sign is selection.sign


def _joined(arrivals: Sequence[Arrival]) -> tuple[Ints, Signs, Floats]:
    """Index, sign and evidence of all arrivals at one value, concatenated."""
    if len(arrivals) == 1:
        return arrivals[0].index, arrivals[0].sign, arrivals[0].evidence
    return (
        np.concatenate([arrival.index for arrival in arrivals]),
        np.concatenate([arrival.sign for arrival in arrivals]),
        np.concatenate([arrival.evidence for arrival in arrivals]),
    )
