"""Choosing elements of a step: a single one, all of one channel, or all at one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cnnfix_core.arrays import Ints
from cnnfix_core.backtrack.path import Step
from cnnfix_core.backtrack.places import place_name
from cnnfix_core.engine import Selection
from cnnfix_core.explanations import channel_name


@dataclass(frozen=True, slots=True)
class Chosen:
    """Elements of one step of a path: those of this channel (None: any) at this place (None: any).

    place: (row, column) in the feature map; also None if the step has no map.
    """

    step: int
    channel: int | None = None
    place: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str) -> Chosen:
        """Parse the output of `str`: "30.83.12.7" is channel 83 at row 12, column 7 of step 30; "*" means any.

        Raises ValueError for anything else.
        """
        step, channel, *place = (None if part == "*" else _number(part) for part in text.split("."))
        if step is None or len(place) not in (0, 2) or (None in place and place != [None, None]):
            raise ValueError(text)
        at = None if not place or place[0] is None or place[1] is None else (place[0], place[1])
        return cls(step, channel, at)

    def __str__(self) -> str:
        parts = (self.step, self.channel, *(self.place or (None, None)))
        return ".".join("*" if part is None else str(part) for part in parts)

    def rows(self, selection: Selection, step: Step) -> Ints:
        """The chosen rows of the step's selection."""
        if step.field is None:
            here = np.ones(len(selection), bool) if self.place is None else np.zeros(len(selection), bool)
            return np.flatnonzero(here & (True if self.channel is None else selection.index == self.channel))
        matches = np.ones(len(selection), bool)
        if self.channel is not None:
            matches &= step.field.channels(selection.index) == self.channel
        if self.place is not None:
            matches &= (step.field.places(selection.index) == self.place).all(axis=1)
        return np.flatnonzero(matches)

    def label(self, step: Step) -> str:
        """A name such as "channel 83 at row 12, column 7", "unit 12", or "all channels at row 12, column 7"."""
        if self.place is None:
            return _channel(step, self.channel) if self.channel is not None else "all elements"
        what = "all channels" if self.channel is None else _channel(step, self.channel)
        return f"{what} at {place_name(self.place)}"


def _channel(step: Step, channel: int) -> str:
    if step.field is None:
        return f"unit {channel}"
    return channel_name(channel) if step.operation is None and step.value.shape[1] == 3 else f"channel {channel}"


def element(step: Step, index: int) -> Chosen:
    """Choose one element, given by its position in the flattened tensor."""
    if step.field is None:
        return Chosen(step.number, index)
    one = np.array([index])
    row, column = step.field.places(one)[0].tolist()
    return Chosen(step.number, int(step.field.channels(one)[0]), (row, column))


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise ValueError(text)
    return int(text)
