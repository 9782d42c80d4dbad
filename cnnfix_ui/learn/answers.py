"""Answers to the questions of a lesson, as short texts for the address."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cnnfix_core.lessons import Choose, Guess, Lesson, Look, Question, Which
from cnnfix_ui.components.taps.component import Taps


@dataclass(frozen=True, slots=True)
class Skipped:
    """The reveal was asked for without an answer, as a teacher may."""


SKIPPED = Skipped()
# Places or a box; the number of an option or a map; a number.
Answer: TypeAlias = Taps | int | float | Skipped
_NUMBER = re.compile("[0-9]{1,5}")


def read_answers(lesson: Lesson, text: str) -> dict[int, Answer]:
    """The answers by number of the step, from 1; what does not fit the lesson is left out."""
    found: dict[int, Answer] = {}
    for part in text.split(",")[: len(lesson.steps)]:
        number, _, said = part.partition(":")
        step = int(number) if _NUMBER.fullmatch(number) else 0
        if 1 <= step <= len(lesson.steps) and (question := lesson.steps[step - 1].question):
            answer = _read(question, said)
            if answer is not None:
                found[step] = answer
    return found


def answers_text(answers: Mapping[int, Answer]) -> str:
    """The answers for the address."""
    return ",".join(f"{step}:{_text(answer)}" for step, answer in sorted(answers.items()))


def _text(answer: Answer) -> str:
    if isinstance(answer, Skipped):
        return "-"
    if isinstance(answer, Taps):
        if answer.box:
            return "b" + ".".join(map(str, answer.box))
        return "-".join(f"{x}.{y}" for x, y in answer.points)
    return f"{answer:g}"


def _read(question: Question, said: str) -> Answer | None:
    if said == "-":
        return SKIPPED
    try:
        return _READERS[type(question)](question, said)
    except ValueError:
        return None


def _look(question: Look, said: str) -> Taps | None:
    if question.box:
        sides = _numbers(said.removeprefix("b"), 4)
        return Taps(box=(sides[0], sides[1], sides[2], sides[3]))
    points = [_numbers(part, 2) for part in said.split("-")]
    return Taps(tuple((x, y) for x, y in points)) if len(points) <= question.most else None


def _numbers(said: str, count: int) -> list[int]:
    found = [int(part) for part in said.split(".") if _NUMBER.fullmatch(part)]
    if len(found) != count:
        raise ValueError(said)
    return found


def _choose(question: Choose, said: str) -> int | None:
    return int(said) if _NUMBER.fullmatch(said) and int(said) < len(question.options) else None


def _which(_question: Which, said: str) -> int | None:
    return int(said) if said in ("0", "1") else None


def _guess(question: Guess, said: str) -> float | None:
    number = float(said)
    return number if question.low <= number <= question.high else None


_READERS: Mapping[type, Callable[[Any, str], Answer | None]] = {
    Look: _look,
    Choose: _choose,
    Which: _which,
    Guess: _guess,
}
