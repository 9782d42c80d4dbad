"""Inspect one step of a walk: its strongest elements, what decided one of them, and the line of the pick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.ancestry import Line
from cnnfix_core.backtrack.decisions.deciding import decide
from cnnfix_core.backtrack.decisions.decision import Decision, Position, Term
from cnnfix_core.backtrack.decisions.sentences import element_name, number
from cnnfix_core.backtrack.path import Path, Step
from cnnfix_core.backtrack.picks import Chosen, element
from cnnfix_core.backtrack.playback.playback import Playback
from cnnfix_core.backtrack.purposes import purpose
from cnnfix_core.backtrack.step_texts import kind, shape, step_words
from cnnfix_core.backtrack.walkthrough import Walked
from cnnfix_core.engine import Selection, Value
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import percent

_LISTED = 12
_HERE = "Strongest here, with their share of the evidence"
_ON_LINE = "Strongest on the line, with the part of their evidence that is on it"


@dataclass(frozen=True, slots=True)
class ElementFacts:
    """One element of a step: its row in the selection, its name, its share of the evidence, and its sign, +1 or -1."""

    row: int
    chosen: Chosen
    label: str
    share: float
    sign: int


@dataclass(frozen=True, slots=True, eq=False)
class InputFacts:
    """One input of a decision: its numbers, its name, and how to pick it; None if no step shows it."""

    term: Term
    label: str
    chosen: Chosen | None


@dataclass(frozen=True, slots=True, eq=False)
class DecisionFacts:
    """What decided an element: the decision, the element's name, and the inputs that the decision lists."""

    decision: Decision
    title: str
    inputs: tuple[InputFacts, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PickFacts:
    """The pick, at this step or another.

    label: what and where it is. evidence: its share of all evidence, 0 to 1. arrived: the evidence that reached the
    picture through it; pixels: how many it reached. Both are None if the pick is in the picture itself.
    line: everything that led to it, and everything that came from it.
    """

    chosen: Chosen
    label: str
    evidence: float
    arrived: float | None
    pixels: int | None
    line: Line

    @property
    def summary(self) -> str:
        """The pick's evidence in one sentence."""
        held = f"It holds {percent(self.evidence)} of the evidence"
        if self.arrived is None or self.pixels is None:
            return f"{held}."
        return f"{held}; {percent(self.arrived)} reached {self.pixels:,} pixel{'s' * (self.pixels != 1)} through it."


@dataclass(frozen=True, slots=True, eq=False)
class StepFacts:
    """All facts of one step of a walk.

    name: the module, or the kind of layer if there is no module. kind: "Convolution 3 × 3, stride 2".
    purpose: what the layer does, "" if it is not known. shape: "128 × 28 × 28". words: the layer, and where in the
    picture its evidence is.
    receptive_field: height and width of what one element sees, in pixels of the network's input; None without a map.
    selection: the elements that the walk passed through.
    on_line: whether `elements` are ranked by their evidence on the line of a pick at another step, not by all of it.
    elements: at most 12, the strongest first. current: the one that is explained. point: its number in the playback,
    None if it is not drawn. decision: what decided it.
    pick: None if nothing is picked, or nothing that the walk passed through.
    """

    step: Step
    name: str
    kind: str
    purpose: str
    shape: str
    words: str
    receptive_field: tuple[float, float] | None
    selection: Selection
    on_line: bool
    elements: tuple[ElementFacts, ...]
    current: ElementFacts | None
    point: int | None
    decision: DecisionFacts | None
    pick: PickFacts | None

    @property
    def ranked(self) -> str:
        """A heading that says what `elements` are ranked by."""
        return _ON_LINE if self.on_line else _HERE

    def describe(self) -> str:
        """All facts in words, one per line."""
        lines = [f"Step {self.step.number}: {self.words}"]
        if self.purpose:
            lines.append(f"What it does: {self.purpose}.")
        if self.receptive_field:
            height, width = self.receptive_field
            lines.append(f"An element sees {height:g} × {width:g} pixels of the network's input.")
        if self.pick:
            lines.append(f"Picked: {self.pick.label}. {self.pick.summary}")
        if self.elements:
            lines.append(f"{self.ranked}:")
            lines += [f"  {listed.label:28} {percent(listed.share):>7}" for listed in self.elements]
        if self.decision:
            lines.append(f"{self.decision.title}: {number(self.decision.decision.value)}")
            lines.append(self.decision.decision.sentence)
        return "\n".join(lines)


def inspect(walk: Walked, step: int, pick: Chosen | None = None) -> StepFacts:
    """All facts of one step of a walk.

    Args:
        walk: made by `walked`.
        step: its number, 0 at the score.
        pick: elements of this step, which are then explained, or of another step, whose line is followed to this one.

    Raises:
        CnnfixError: the walk has no such step.
    """
    picked = None if pick is None else _picked(walk, pick)
    here = _step(walk, step)
    selection = walk.trace.selection(here.value)
    line = picked.line if picked else None
    elsewhere = line if pick and pick.step != step else None
    rows = _strongest(here, selection, pick, line)
    shares = elsewhere.carried.get(here.value, selection.evidence) if elsewhere else selection.evidence
    elements = tuple(_element(here, selection, shares, row) for row in _beside(here, selection, pick, rows).tolist())
    current = elements[0] if elements else None
    return StepFacts(
        step=here,
        name=_name(here),
        kind=kind(here.operation),
        purpose=purpose(here.operation),
        shape=shape(here),
        words=step_words(here, walk.trace, walk.playbacks[0]),
        receptive_field=(here.field.rows.size, here.field.columns.size) if here.field else None,
        selection=selection,
        on_line=elsewhere is not None,
        elements=elements,
        current=current,
        point=_point(walk.playbacks[0], here, current.row) if current else None,
        decision=_decided(walk, here, current.row) if current else None,
        pick=picked,
    )


def _step(walk: Walked, number: int) -> Step:
    steps = walk.path.steps
    if not 0 <= number < len(steps):
        raise CnnfixError(f"The walk has no step {number}: steps are numbered from 0 (the score) to {len(steps) - 1}.")
    return steps[number]


def _strongest(step: Step, selection: Selection, pick: Chosen | None, line: Line | None) -> Ints:
    """Rows of the step's selection, strongest first: those picked here, else those on the line, else all."""
    if pick is not None and pick.step == step.number and line is not None:
        return _ranked(pick.rows(selection, step), selection.evidence)
    carried = selection.evidence if line is None else line.carried.get(step.value)
    if carried is None:
        return np.empty(0, np.int64)
    order = _ranked(np.arange(len(carried)), carried)[: 4 * _LISTED]
    return order[carried[order] > 0]


def _beside(step: Step, selection: Selection, pick: Chosen | None, rows: Ints) -> Ints:
    """The rows to list; if a single element is picked, the strongest others at its place follow it."""
    if pick is not None and pick.step == step.number and pick.channel is not None and len(rows):
        around = _ranked(Chosen(step.number, None, pick.place).rows(selection, step), selection.evidence)
        rows = np.concatenate([rows, around[~np.isin(around, rows)]])
    return rows[:_LISTED]


def _ranked(rows: Ints, evidence: Floats) -> Ints:
    ranked: Ints = rows[np.argsort(-evidence[rows], kind="stable")]
    return ranked


def _element(step: Step, selection: Selection, shares: Floats, row: int) -> ElementFacts:
    chosen = element(step, int(selection.index[row]))
    return ElementFacts(row, chosen, chosen.label(step), float(shares[row]), int(selection.sign[row]))


def _picked(walk: Walked, pick: Chosen) -> PickFacts | None:
    step = _step(walk, pick.step)
    line = walk.line(pick)
    if line is None:
        return None
    carried = float(line.carried[step.value].sum())
    label = f"{pick.label(step)} of {_name(step)}"
    if step.operation is None:
        return PickFacts(pick, label, carried, None, None, line)
    picture = walk.path.steps[-1]
    selection = walk.trace.selection(picture.value)
    reached = line.carried.get(picture.value, np.zeros(len(selection)))
    elements = selection.index[reached > 0]
    pixels = len(np.unique(picture.field.places(elements), axis=0)) if picture.field else len(elements)
    return PickFacts(pick, label, carried, float(reached.sum()), pixels, line)


def _point(playback: Playback, step: Step, row: int) -> int | None:
    cloud = playback.cloud_at(step.number)
    return None if cloud is None or cloud.row[row] < 0 else cloud.first + int(cloud.row[row])


def _name(step: Step) -> str:
    return step.module or ("the picture" if step.operation is None else kind(step.operation))


def _decided(walk: Walked, step: Step, row: int) -> DecisionFacts:
    path = walk.path
    decision = decide(walk.trace, step.value, row, lambda value, position: _label(path, value, position))
    title = _score(walk) if step.number == 0 else _label(path, step.value, decision.position)
    inputs = (
        InputFacts(term, _label(path, term.value, term.position), _seen(path, term.value, term.position))
        for term in decision.terms
    )
    return DecisionFacts(decision, title, tuple(inputs))


def _score(walk: Walked) -> str:
    target, other = walk.explanation.target, walk.explanation.rather_than
    return f"the score of “{target.label}”" + (f" minus that of “{other.label}”" if other else "")


def _seen(path: Path, value: Value, position: Position) -> Chosen | None:
    """The pick of an element at the step that shows it, if there is one."""
    step = path.seen_at(value)
    return element(step, int(np.ravel_multi_index(position, value.shape)) if position else 0) if step else None


def _label(path: Path, value: Value, position: Position) -> str:
    """The name of an element, as at the step that shows it, if there is one."""
    seen = _seen(path, value, position)
    return seen.label(path.steps[seen.step]) if seen else element_name(value.shape, position)
