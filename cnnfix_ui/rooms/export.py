"""What a teacher takes home: answers without names, as a table and as a page to print."""

from __future__ import annotations

import csv
import io

from cnnfix_core.lessons import Choose, Guess, Look, Question, Which
from cnnfix_ui.rooms.answers import Answer
from cnnfix_ui.rooms.room import Room
from cnnfix_ui.rooms.scenes import title_of

_HEAD = ("step", "title", "kind", "answer", "text", "x", "y")


def answers_csv(room: Room) -> str:
    """All answers, one row each, of taps one row for each tap.

    `answer` counts the answers of a step from 1, in an order drawn by lot: nothing tells which answers of two steps are
    of one pupil. x and y are shares of the picture's width and height, of a box those of two opposite corners.
    """
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(_HEAD)
    for number, step in enumerate(room.lesson.steps):
        if step.question:
            for count, answer in enumerate(room.answers(number), 1):
                first = (number + 1, _cell(step.title), type(step.question).__name__.lower(), count)
                for row in _rows(step.question, answer):
                    table.writerow((*first, *row))
    return out.getvalue()


def _rows(question: Question, answer: Answer) -> list[tuple[str, str, str]]:
    if isinstance(answer, tuple):
        return [("", f"{x:.4f}", f"{y:.4f}") for x, y in answer]
    match question:
        case Choose():
            return [(_cell(question.options[int(answer)]), "", "")]
        case Which():
            return [(title_of(question.methods[int(answer)]), "", "")]
        case Guess() | Look():
            return [(f"{answer:g}", "", "")]


def _cell(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
