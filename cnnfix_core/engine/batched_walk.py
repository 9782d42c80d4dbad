"""Several walks over one tape at once, such as one per picture of a batch; their lineage is not recorded.

Walks of different pictures never meet, so each keeps its own total, beam and losses, and reaches what it would alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.engine.presets import Preset, get_preset
from cnnfix_core.engine.rules import Arrival, Question, Rule
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.tape import Tape, Value
from cnnfix_core.engine.walk import Delivery, Passage, Walk, against, flat
from cnnfix_core.errors import NothingContributesError

Reached = Passage | NothingContributesError


def unravel_together(
    tape: Tape,
    targets: Sequence[Sequence[int]],
    preset: str | Preset,
    rivals: Sequence[Sequence[Sequence[int]]] = (),
) -> list[Reached]:
    """For each target, find the elements that a walk from it passes through, or the error if it reaches no input.

    Evidence differs from that of single walks only by rounding.

    Args:
        tape: A tape of several pictures.
        targets: As for `unravel`, at most one per picture: (batch, class), in the order of the pictures.
        preset: The settings of the walks.
        rivals: For each target, as for `unravel`.

    Raises:
        CnnfixError: What `unravel` raises, except NothingContributesError.
    """
    preset = get_preset(preset)
    starts = [flat(tape, target) for target in targets]
    tape.output.array()
    if rivals and preset.contrast:
        tape = against(tape, [[flat(tape, rival) for rival in each] for each in rivals], preset) or tape
    try:
        return _Together(tape, preset, len(starts)).reached(starts)
    except NothingContributesError as error:
        return [error] * len(starts)


@dataclass(frozen=True, eq=False)
class _Part(Mapping[Value, Selection]):
    """The selections of one of several walks, found in those of all when they are asked for."""

    selections: Mapping[Value, Selection]
    owner: Mapping[Value, Ints]
    walk: int

    def __getitem__(self, value: Value) -> Selection:
        every, mine = self.selections[value], self.owner[value] == self.walk
        return Selection(every.shape, every.index[mine], every.sign[mine], every.evidence[mine])

    def __iter__(self) -> Iterator[Value]:
        return iter(self.selections)

    def __len__(self) -> int:
        return len(self.selections)


class _Together(Walk):
    """Several walks in one; each element of a selection belongs to one of them, its owner."""

    def __init__(self, tape: Tape, preset: Preset, walks: int) -> None:
        super().__init__(tape, preset)
        self._walks = walks
        self._owner: dict[Value, Ints] = {}

    def reached(self, starts: Sequence[int]) -> list[Reached]:
        """Walk from these positions in the flattened output, and return what each walk passes through."""
        tape = self._tape
        self._owner[tape.output] = np.arange(self._walks)
        index = np.array(starts, np.int64)
        signs = np.ones(self._walks, np.int8)
        found = self.from_selection(Selection(tape.output.shape, index, signs, np.ones(self._walks)))
        return [self._of(found, walk) for walk in range(self._walks)]

    def _of(self, found: Passage, walk: int) -> Reached:
        part = Passage(found.tape, _Part(self.selections, self._owner, walk))
        if len(part.fixations):
            return part
        return NothingContributesError(
            "No part of the input contributes to the target. Choose another target or another preset."
        )

    def _deliver(self, question: Question, rule: Rule, arrivals: Sequence[Arrival]) -> None:
        owner, factor = self._owner[question.output], self._factor(question, arrivals)
        for arrival in arrivals:
            scaled = replace(arrival.scaled(factor), parent=owner[arrival.parents()])
            self._queue(Delivery(question, rule, scaled, 0, 1.0))

    def _groups(self, value: Value, selection: Selection) -> Ints:
        """The walk of each row, or the walk and the item."""
        owner, items = self._owner[value], super()._groups(value, selection)
        return owner if items is None else owner * self._structure.items(value) + items

    def _strongest(
        self, value: Value, deliveries: Sequence[Delivery], merged: Selection, merged_row: Ints
    ) -> tuple[Selection, Ints]:
        owner = np.empty(len(merged), np.int64)
        inside = merged_row >= 0
        # `_deliver` stored the owners in place of the parents.
        owner[merged_row[inside]] = np.concatenate([delivery.arrival.parent for delivery in deliveries])[inside]
        self._owner[value] = owner
        kept, row = self._beams(merged, self._groups(value, merged))
        self._owner[value] = owner[row >= 0]
        return kept, row

    def _pass_on(self, value: Value, deliveries: Sequence[Delivery]) -> bool:
        return False  # owners must be found

    def _note(self, value: Value, deliveries: Sequence[Delivery], scale: float | Floats) -> None:
        """Lineage is not recorded."""
