"""Where somebody is in a lesson. The address says it; whatever leads on goes to another address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

import streamlit as st

from cnnfix_core.lessons import Lesson, Step
from cnnfix_site import PAGES
from cnnfix_ui.learn.answers import Answer, answers_text, read_answers
from cnnfix_ui.learn.library import find_lesson
from cnnfix_ui.widgets.presenting import PRESENTER, VIEW


@dataclass(frozen=True)
class Place:
    """A step of a lesson.

    Attributes:
        number: of the step, from 1.
        answers: those given so far, by number of the step.
        presenting: whether it is shown on a projector.
    """

    lesson: Lesson
    number: int = 1
    answers: Mapping[int, Answer] | None = None
    presenting: bool = False

    @property
    def step(self) -> Step:
        """The step."""
        return self.lesson.steps[self.number - 1]

    @property
    def key(self) -> str:
        """Unique to the step, for keys of what it draws."""
        return f"lesson.{self.lesson.name}.{self.number}"

    @property
    def answer(self) -> Answer | None:
        """What was answered to its question."""
        return (self.answers or {}).get(self.number)

    @property
    def is_open(self) -> bool:
        """Whether its question waits for an answer."""
        return self.step.question is not None and self.answer is None

    @property
    def is_last(self) -> bool:
        """Whether no step follows."""
        return self.number == len(self.lesson.steps)

    @property
    def settings(self) -> dict[str, str]:
        """The address's settings: those of the step's screen, and those of the frame."""
        frame = {
            "lesson": self.lesson.name,
            "lesson_step": str(self.number),
            "answers": answers_text(self.answers or {}),
            VIEW: PRESENTER if self.presenting else "",
        }
        return {**self.step.screen.settings, **{name: value for name, value in frame.items() if value}}

    def at(self, number: int) -> Place:
        """Another step of the same lesson."""
        return replace(self, number=number)

    def answered(self, answer: Answer) -> Place:
        """The same step with an answer to its question."""
        return replace(self, answers={**(self.answers or {}), self.number: answer})

    def go(self) -> NoReturn:
        """Go there."""
        st.switch_page(PAGES / f"{self.step.screen.page}.py", query_params=self.settings)


def place_of(frame: Mapping[str, str]) -> Place:
    """The place that the frame's settings name; a step that is not there is the first. Raises LessonError."""
    lesson = find_lesson(frame["lesson"])
    step = frame.get("lesson_step", "1")
    number = int(step) if step.isdecimal() and len(step) < 4 else 1
    there = number if 1 <= number <= len(lesson.steps) else 1
    return Place(lesson, there, read_answers(lesson, frame.get("answers", "")), frame.get(VIEW) == PRESENTER)
