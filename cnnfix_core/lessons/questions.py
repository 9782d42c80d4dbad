"""The questions of lessons, as they are written in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from cnnfix_core.errors import did_you_mean
from cnnfix_core.images import load_sample
from cnnfix_core.lessons.lesson import Choose, Fact, Guess, Look, Question, Screen, Which
from cnnfix_core.lessons.screens import ASKABLE, asked_by
from cnnfix_core.methods import METHODS

_KINDS = "look 3, look box, choose, which fixations gradcam, or guess 0 to 100 %"
_NUMBER = r"-?[0-9]{1,9}(?:\.[0-9]{1,6})?"
_RANGE = re.compile(rf"({_NUMBER})\s+to\s+({_NUMBER})(?:\s+(\S{{1,12}}))?")
_LONGEST_OPTION, _MOST_OPTIONS, _MOST_POINTS = 120, 6, 5


@dataclass(frozen=True, slots=True)
class Option:
    """An answer to choose from. line: in the file."""

    line: int
    text: str
    right: bool


class QuestionError(ValueError):
    """A question has a fault. field: the field in which it is, or "options"."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(what)
        self.field = field


def question_of(screen: Screen, said: Mapping[str, str], options: Sequence[Option]) -> Question | None:
    """The question of a step; None if it has none. Raises QuestionError with a sentence.

    Args:
        screen: Of the step.
        said: Its fields ask, answer, right, hint and reveal; "" for those that are missing.
        options: The answers to choose from.
    """
    if not said["ask"] and not said["answer"]:
        _check_nothing_left(said, options)
        return None
    if not said["ask"] or not said["answer"]:
        there = "ask" if said["ask"] else "answer"
        raise QuestionError(there, f"A question needs both “ask: …” and “answer: …”; the answer is {_KINDS}.")
    kind, _, rest = said["answer"].partition(" ")
    if kind not in _READERS:
        raise QuestionError("answer", f"There is no answer {said['answer']!r}: write {_KINDS}.")
    if said["right"] and kind != "guess":
        raise QuestionError(
            "right", "Only a guess has “right: …”; of answers to choose from, mark the right one with [x]."
        )
    if options and kind != "choose":
        raise QuestionError("options", "Answers to choose from need “answer: choose”.")
    if kind in ("look", "which") and asked_by(screen) is None:
        raise QuestionError(
            "answer", f"{kind!r} needs a picture and a network that says classes, on {', '.join(ASKABLE)}."
        )
    return _READERS[kind](rest.strip(), screen, said["right"], options)


def _check_nothing_left(said: Mapping[str, str], options: Sequence[Option]) -> None:
    extra = {name: f"a {name}" for name in ("right", "hint", "reveal") if said[name]}
    extra |= {"options": "answers to choose from"} if options else {}
    for field, what in extra.items():
        raise QuestionError(field, f"The step has {what} but no question: add “ask: …” and “answer: …”.")


def _look(rest: str, _screen: Screen, _right: str, _options: Sequence[Option]) -> Look:
    if rest == "box":
        return Look(most=1, box=True)
    if not re.fullmatch(f"[1-{_MOST_POINTS}]?", rest):
        raise QuestionError("answer", f"Write “look” with a number of points from 1 to {_MOST_POINTS}, or “look box”.")
    return Look(int(rest or 3))


def _choose(rest: str, _screen: Screen, _right: str, options: Sequence[Option]) -> Choose:
    if rest:
        raise QuestionError("answer", "Write “answer: choose”, and the answers below the text, each as “- [ ] text”.")
    if not 2 <= len(options) <= _MOST_OPTIONS:
        raise QuestionError(
            "answer",
            f"There are 2 to {_MOST_OPTIONS} answers to choose from, each as “- [ ] text” below the text; "
            f"here are {len(options)}.",
        )
    if any(not 0 < len(option.text) <= _LONGEST_OPTION for option in options):
        raise QuestionError("options", f"An answer to choose has 1 to {_LONGEST_OPTION} characters.")
    if len({option.text for option in options}) < len(options):
        raise QuestionError("options", "Two of the answers to choose from are the same.")
    right = [number for number, option in enumerate(options) if option.right]
    if len(right) > 1:
        raise QuestionError("options", "Mark one right answer with [x], or none.")
    return Choose(tuple(option.text for option in options), right[0] if right else None)


def _which(rest: str, screen: Screen, _right: str, _options: Sequence[Option]) -> Which:
    names = rest.split()
    for name in names:
        if name not in METHODS:
            raise QuestionError(
                "answer", f"There is no method {name!r}. {did_you_mean(name, METHODS, 'See `cnnfix compare`.')}"
            )
        if METHODS[name].slow:
            raise QuestionError("answer", f"{METHODS[name].title} takes too long for a lesson: choose another method.")
        asked = asked_by(screen)
        if asked and isinstance(asked.target, tuple) and not METHODS[name].contrasts:
            raise QuestionError("answer", f"{METHODS[name].title} explains one class, not one rather than another.")
    if len(names) != 2 or names[0] == names[1]:
        raise QuestionError("answer", "Write “which” and two methods, such as “which fixations gradcam”.")
    return Which((names[0], names[1]))


def _guess(rest: str, screen: Screen, right: str, _options: Sequence[Option]) -> Guess:
    match = _RANGE.fullmatch(rest)
    if match is None:
        raise QuestionError(
            "answer", "Write “guess”, the lowest and the highest number and a unit: “guess 0 to 100 %”."
        )
    low, high = float(match[1]), float(match[2])
    if low >= high:
        raise QuestionError(
            "answer", f"The numbers to guess go from a lower to a higher one, not from {match[1]} to {match[2]}."
        )
    return Guess(low, high, match[3] or "", _right(right, screen, low, high))


def _right(right: str, screen: Screen, low: float, high: float) -> float | Fact:
    facts: tuple[Fact, ...] = get_args(Fact)
    for fact in facts:
        if right == fact:
            _check_fact(fact, screen, low, high)
            return fact
    if not re.fullmatch(_NUMBER, right):
        raise QuestionError(
            "right", f"A guess needs “right: …” with a number, or {' or '.join(facts)}, which is computed."
        )
    if not low <= float(right) <= high:
        raise QuestionError("right", f"The right number {right} is not between {low:g} and {high:g}.")
    return float(right)


def _check_fact(fact: Fact, screen: Screen, low: float, high: float) -> None:
    asked = asked_by(screen)
    if asked is None:
        raise QuestionError(
            "right", f"{fact!r} needs a picture and a network that says classes, on {', '.join(ASKABLE)}."
        )
    if (low, high) != (0, 100):
        raise QuestionError("answer", f"{fact!r} is in percent: write “guess 0 to 100 %”.")
    if fact == "inside" and not load_sample(asked.picture).objects:
        raise QuestionError(
            "right", f"The sample {asked.picture!r} has no box: ask for its probability, or give a number."
        )


_READERS: Mapping[str, Callable[[str, Screen, str, Sequence[Option]], Question]] = {
    "look": _look,
    "choose": _choose,
    "which": _which,
    "guess": _guess,
}
