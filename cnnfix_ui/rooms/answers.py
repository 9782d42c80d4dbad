"""Answers of a class: what one may be, and how many gave which."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from itertools import pairwise
from math import ceil
from typing import Any, TypeAlias

from cnnfix_core.lessons import Choose, Guess, Look, Question, Which
from cnnfix_ui.rooms.errors import RoomError

MOST_TAPS = 5
_PARTS = 10  # of a scale, at most
_LARGEST = 1e12
Point: TypeAlias = tuple[float, float]
# Of Look: points in shares of the picture's width and height, of a box two opposite corners. Of Choose and Which: the
# number of the answer, from 0. Of Guess: the number.
Answer: TypeAlias = tuple[Point, ...] | int | float


def checked(question: Question, sent: Any) -> Answer:
    """What a browser sent, as an answer. Raises RoomError for anything that is none.

    Nothing is kept of what was sent but numbers, at most ten, so an answer stays far below 2 kB.
    """
    match question:
        case Look():
            return _corners(sent) if question.box else _points(sent, min(question.most, MOST_TAPS))
        case Choose():
            return _one_of(sent, len(question.options))
        case Which():
            return _one_of(sent, 2)
        case Guess():
            number = _number(sent)
            if not question.low <= number <= question.high:
                raise RoomError(f"Give a number from {question.low:g} to {question.high:g}.")
            return number


def distribution(question: Question, answers: Collection[Answer]) -> list[tuple[str, int]]:
    """How many gave which answer: a label and a count for each option, or for each part of a scale.

    Taps have none: their distribution is the class's map.
    """
    match question:
        case Choose():
            return [(label, _count(answers, n)) for n, label in enumerate(question.options)]
        case Which():
            return [(label, _count(answers, n)) for n, label in enumerate("AB")]
        case Guess():
            labels = [_label(question, low, high) for low, high in pairwise(_edges(question))]
            counts = [0] * len(labels)
            for answer in answers:
                if isinstance(answer, int | float):
                    counts[part_of(question, answer)] += 1
            return [*zip(labels, counts, strict=True)]
        case Look():
            return []


def middle(answers: Collection[Answer]) -> float | None:
    """The median of guessed numbers; None if there are none."""
    found = sorted(answer for answer in answers if isinstance(answer, int | float))
    half = len(found) // 2
    return (found[half] + found[~half]) / 2 if found else None


def part_of(question: Guess, number: float) -> int:
    """The number of the part of its scale in which a number lies, from 0."""
    if question.whole:
        number = question.low + round(number - question.low)
    starts = _edges(question)[:-1]
    return bisect_right(starts, number) - 1


def _edges(question: Guess) -> list[float]:
    """Where the parts of a scale begin, and the end of the last one; of whole numbers, the first one after it."""
    low, length = question.low, question.high - question.low
    if not question.whole:
        return [low + length * n / _PARTS for n in range(_PARTS + 1)]
    numbers = int(length) + 1
    parts = min(_PARTS, numbers)
    return [low + ceil(numbers * n / parts) for n in range(parts + 1)]


def _label(question: Guess, low: float, high: float) -> str:
    """Of a part of a scale; of whole numbers, parts have none in common."""
    if not question.whole:
        return f"{low:g}–{high:g}"
    return f"{low:,.0f}" if high - low == 1 else f"{low:,.0f}–{high - 1:,.0f}"


def _count(answers: Collection[Answer], option: int) -> int:
    return sum(answer == option for answer in answers)


def _one_of(sent: Any, options: int) -> int:
    if type(sent) is not int or not 0 <= sent < options:
        raise RoomError("Choose one of the answers.")
    return sent


def _number(sent: Any) -> float:
    if type(sent) not in (int, float) or not abs(sent) <= _LARGEST:  # NaN is not, either
        raise RoomError("Give a number.")
    return float(sent)


def _points(sent: Any, most: int) -> tuple[Point, ...]:
    if type(sent) not in (list, tuple) or not 1 <= len(sent) <= most:
        raise RoomError(f"Tap {'1 place' if most == 1 else f'1 to {most} places'} on the picture.")
    return tuple(_point(one) for one in sent)


def _corners(sent: Any) -> tuple[Point, ...]:
    if type(sent) not in (list, tuple) or len(sent) != 2:
        raise RoomError("Draw one box on the picture.")
    (x0, y0), (x1, y1) = _point(sent[0]), _point(sent[1])
    if x0 == x1 or y0 == y1:
        raise RoomError("Draw a larger box.")
    return (min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))


def _point(sent: Any) -> Point:
    if type(sent) not in (list, tuple) or len(sent) != 2:
        raise RoomError("Tap on the picture.")
    x, y = _number(sent[0]), _number(sent[1])
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise RoomError("Tap on the picture.")
    return x, y
