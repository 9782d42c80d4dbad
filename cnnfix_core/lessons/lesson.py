"""What a lesson is: steps, each a short text, a screen of the app, and perhaps a question before the reveal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

# What a number to be guessed can be computed from: the probability of the class on the screen, or the share of its
# evidence inside the box of the sample on the screen, both in percent.
Fact = Literal["probability", "inside"]
_WHOLE = 5  # a scale between whole numbers that is at least this long has only whole numbers


@dataclass(frozen=True, slots=True)
class Screen:
    """A page of the app with its settings, as in its address.

    Attributes:
        page: its name in the address, such as "explore".
        settings: the settings that differ from the default, as text: {"picture": "cat-and-dog", "class": "285"}.
    """

    page: str
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """Tap where the network looks: up to `most` points, 1 to 5, or one box."""

    most: int = 3
    box: bool = False


@dataclass(frozen=True, slots=True)
class Choose:
    """Choose one of 2 to 6 answers. right: number of the right one, from 0; None if none is right."""

    options: tuple[str, ...]
    right: int | None


@dataclass(frozen=True, slots=True)
class Which:
    """Choose one of two maps, shown as A and B without their names. methods: their names, as on Compare."""

    methods: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Guess:
    """Guess a number from `low` to `high`. unit: "" or such as "%". right: the number, or what it is computed from."""

    low: float
    high: float
    unit: str
    right: float | Fact

    @property
    def whole(self) -> bool:
        """Whether only whole numbers can be guessed."""
        return all(float(end).is_integer() for end in (self.low, self.high)) and self.high - self.low >= _WHOLE

    @property
    def step(self) -> float:
        """From one number that can be guessed to the next."""
        return 1.0 if self.whole else (self.high - self.low) / 100


Question: TypeAlias = Look | Choose | Which | Guess


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        title: a few words.
        text: at most 60 words of Markdown without images and HTML.
        screen: what is shown beside the text; while the question is open, only its picture.
        ask: the question as a sentence; "" if there is none.
        question: what kind of answer it takes; None if there is none.
        hint: shown on demand, "" for none.
        reveal: one sentence shown after the answer, "" for none.
        notes: what the teacher says, asks and listens for; pupils never see it.
    """

    title: str
    text: str
    screen: Screen
    ask: str = ""
    question: Question | None = None
    hint: str = ""
    reveal: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson. name: as in the address. minutes: with a class. age: for whom, such as "12 and up"."""

    name: str
    title: str
    goal: str
    minutes: int
    age: str
    steps: tuple[Step, ...]
