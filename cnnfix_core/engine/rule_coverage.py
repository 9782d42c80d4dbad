"""Coverage: which operations of a network have a rule, and how far a walk gets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from cnnfix_core.engine import rules
from cnnfix_core.engine.presets import EVIDENCE, Preset, get_preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.results import tensors_in
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.tape import Operation, Tape
from cnnfix_core.engine.walk import Stop, Target, Walk, starting_at
from cnnfix_core.errors import NoRuleError, NothingContributesError
from cnnfix_core.utils import percent


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A kind of operation of a network: its name, how often it occurs and was met by the walk, and if it has a rule."""

    name: str
    times: int
    met: int
    has_rule: bool


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a trial walk found.

    Attributes:
        operations: all that the output was computed with, by name.
        stops: operations without a rule; none where walks get through.
        fixations: how many elements of the inputs were reached.
        left: evidence that did not arrive, by reason.
        cuts: where a walk loses evidence because it does not follow complex numbers, whole numbers, or numbers that
            left PyTorch, see `Trace.cuts`.
        outside: where numbers that depend on the inputs left PyTorch, see `Tape.outside`.
    """

    operations: tuple[Occurrence, ...]
    stops: tuple[Stop, ...]
    fixations: int
    left: dict[str, float]
    cuts: tuple[Stop, ...] = ()
    outside: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the walk met only operations that have a rule, was cut nowhere, and reached the input."""
        return not self.stops and not self.cuts and self.fixations > 0

    @property
    def unmet(self) -> tuple[str, ...]:
        """Names of operations without a rule that the walk did not meet: they only compute gates, indices or sizes."""
        return tuple(operation.name for operation in self.operations if not operation.has_rule and not operation.met)

    def summary(self) -> str:
        """Summarise the result in a few sentences."""
        return " ".join((self._reach(), *self._cut(), *self._outside()))

    def _reach(self) -> str:
        met = sum(operation.met > 0 for operation in self.operations)
        if self.stops:
            lost, places = _losses(self.stops)
            return f"Walks stop at operations without a rule, which loses {lost} of the evidence: {places}."
        if self.fixations:
            return f"This network works: every step can be followed, through {met} kinds of operations."
        return "All operations have a rule, but the trial walk did not reach the picture: no input contributes."

    def _cut(self) -> Iterator[str]:
        if self.cuts:
            lost, places = _losses(self.cuts)
            yield f"They lose {lost} of the evidence, because it comes through numbers that are not followed: {places}."
            yield max(self.cuts, key=lambda stop: stop.evidence).why

    def _outside(self) -> Iterator[str]:
        if self.outside:
            places = ", ".join(self.outside[:3])
            yield f"Numbers left PyTorch at {places}; what Python computes from them is a constant."


def _losses(stops: Sequence[Stop]) -> tuple[str, str]:
    """The evidence lost at all stops together, and the names of the first."""
    places = "; ".join(f"{stop.operation} in module {stop.module or 'outermost'!r}" for stop in stops[:3])
    return percent(min(1.0, sum(stop.evidence for stop in stops))), places


def coverage(
    module: nn.Module, *inputs: Any, target: Target | None = None, preset: str | Preset = EVIDENCE, **options: Any
) -> Coverage:
    """Record `module(*inputs, **options)` and walk, going on where an operation has no rule.

    Args:
        module: any PyTorch module.
        inputs: what it takes.
        target: as `unravel` takes it; None for the largest element of the first tensor that the module gives.
        preset: "evidence", "published", or a preset of your own.
        options: keyword arguments of the module.

    Returns:
        The operations, where a walk would stop, and how many elements of the inputs it reached.

    Raises:
        RecordError: as `record`.
        TargetError: as `unravel`.
    """
    tape = record(module, *inputs, **options)
    preset = get_preset(preset)
    tape, start = starting_at(tape, largest if target is None else target, preset)
    trial = _Trial(tape, preset)
    try:
        trace = trial.from_element(start)
        fixations, left = sum(len(trace.selection(value)) for value in tape.inputs), trace.left
    except NothingContributesError:
        fixations, left = 0, trial.left
    stops, cuts = (tuple(found.values()) for found in (trial.stops, trial.cuts))
    return Coverage(_occurrences(tape, trial.met), stops, fixations, left, cuts, tape.outside)


def largest(result: Any) -> torch.Tensor:
    """The largest element of the first floating-point tensor in a module's result."""
    scores = [tensor for tensor in tensors_in(result) if tensor.is_floating_point()]
    return scores[0].reshape(-1)[int(scores[0].argmax())]


class _Trial(Walk):
    """A walk that counts the operations it meets, and drops the evidence at those without a rule."""

    def __init__(self, tape: Tape, preset: Preset) -> None:
        super().__init__(tape, preset)
        self.met: Counter[str] = Counter()
        self.stops: dict[Operation, Stop] = {}

    def _hop(self, operation: Operation, slot: int, selection: Selection) -> None:
        self.met[operation.name] += 1
        try:
            super()._hop(operation, slot, selection)
        except NoRuleError as error:
            self.stops[operation] = Stop.at(operation, selection.total, str(error))


def _occurrences(tape: Tape, met: Counter[str]) -> tuple[Occurrence, ...]:
    times = Counter(operation.name for operation in tape.operations)
    return tuple(
        Occurrence(name, count, met[name], rules.find(name) is not None) for name, count in times.most_common()
    )
