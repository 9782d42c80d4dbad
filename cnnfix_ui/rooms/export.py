"""What a teacher takes home: answers without names, as a table and as a page to print."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date

from cnnfix_core.lessons import Choose, Guess, Look, Question, Which
from cnnfix_core.report import Figure, Figures, Heading, Paragraph, Part
from cnnfix_ui.rooms.answers import Answer
from cnnfix_ui.rooms.reveals import make_reveal
from cnnfix_ui.rooms.room import Room
from cnnfix_ui.rooms.scenes import pasted, ready, title_of

_MOST_FIGURES = 9  # on one page, with what is said of them
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


def report_pdf(room: Room) -> bytes:
    """One page: the class's maps with what was said of them, and how many gave which answer."""
    from cnnfix_core.report.pdf_layout import pdf_of

    return pdf_of(list(_parts(room)), room.lesson.title)


def _parts(room: Room) -> Iterator[Part]:
    yield Heading(room.lesson.title, 1)
    yield Paragraph(
        f"A class on {date.today():%d %B %Y}. Answers have no names, and were erased at the end.", faint=True
    )
    figures, texts = [], []
    for number, step in enumerate(room.lesson.steps):
        if step.question is None or not room.answers(number):
            continue
        scene = ready(room, number)
        reveal = make_reveal(step, scene, room.by_token(number), {})
        if isinstance(step.question, Look) and scene and reveal.figures:
            first = reveal.figures[0]
            figures.append(
                Figure.of(pasted(scene, first.overlay), f"{step.title}: {first.title}", reveal.sentences[-1])
            )
        else:
            counts = "; ".join(f"{label}{' (right)' if right else ''}: {n}" for label, n, right in reveal.bars if n)
            texts.append(f"{step.ask} {counts}. {' '.join(reveal.sentences)}")
    if figures:
        yield Figures(tuple(figures[:_MOST_FIGURES]))
    yield from map(Paragraph, texts)


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
