"""A lesson on paper: for pupils with room for answers, for teachers with the answers and their notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cnnfix_core.errors import need
from cnnfix_core.lessons.lesson import Choose, Guess, Lesson, Look, Screen, Step, Which
from cnnfix_core.lessons.prose import plain
from cnnfix_core.lessons.seeing import Answering, number_text, picture_on
from cnnfix_core.methods import METHODS
from cnnfix_core.report import Figure, Figures, Heading, Lines, Options, Paragraph, Part
from cnnfix_core.visualization import panel, photo_of

_SIDE = 720  # pixels of a figure's longest side
Answers = Callable[[Screen], Answering | None]


def worksheet(lesson: Lesson, answers: Answers | None = None) -> bytes:
    """The lesson as an A4 PDF file.

    Args:
        lesson: The lesson.
        answers: Tells what the network used on a screen. With it, the file is the teacher's: with answers and notes.

    Raises:
        MissingPackageError: ReportLab or markdown-it-py is not installed.
        CnnfixError: A network cannot be asked.
    """
    need("reportlab")
    need("markdown_it")
    from cnnfix_core.report.pdf_layout import pdf_of

    return pdf_of(list(_parts(lesson, answers)), lesson.title)


def _parts(lesson: Lesson, answers: Answers | None) -> Iterator[Part]:
    yield Heading(lesson.title, 1)
    yield Paragraph(lesson.goal)
    for_whom = f"{lesson.minutes} minutes, {lesson.age}"
    yield Paragraph(for_whom if answers is None else f"{for_whom}. With answers and notes for the teacher.", faint=True)
    for number, step in enumerate(lesson.steps, 1):
        yield Heading(f"{number}  {step.title}")
        yield from _texts(step.text)
        yield from _figures(step, answers)
        yield from _question(step)
        if answers:
            yield from _answer(step, answers)
            yield from _texts(step.notes, faint=True)


def _texts(text: str, faint: bool = False) -> Iterator[Part]:
    for paragraph in plain(text):
        yield Paragraph(paragraph, faint)


def _figures(step: Step, answers: Answers | None) -> Iterator[Part]:
    shown = picture_on(step.screen) if step.question else None
    if shown is None:
        return
    photo = photo_of(shown.picture, _SIDE)
    figures = [Figure.of(photo, shown.title)]
    used = answers(step.screen) if answers else None
    map_ = used.map() if used else None
    if used and map_ is not None:
        figures.append(Figure.of(panel(photo.convert("RGBA"), map_), "What the network used", "CNN Fixations"))
    yield Figures(tuple(figures), wide=True)


def _question(step: Step) -> Iterator[Part]:
    if step.question is None:
        return
    yield Paragraph(step.ask)
    match step.question:
        case Look(most, box):
            places = "the place with a cross" if most == 1 else f"up to {most} places with crosses"
            yield Paragraph("Draw a box on the picture." if box else f"Mark {places}.", faint=True)
        case Choose(options):
            yield Options(options)
        case Which():
            yield Options(("Map A", "Map B"))
        case Guess(low, high, unit):
            yield Paragraph(f"From {low:g} to {high:g} {unit}".strip(), faint=True)
            yield Lines(1)


def _answer(step: Step, answers: Answers) -> Iterator[Part]:
    match step.question:
        case Choose(options, right) if right is not None:
            yield Paragraph(f"Answer: {options[right]}")
        case Which(methods):
            yield Paragraph(f"A: {METHODS[methods[0]].title}. B: {METHODS[methods[1]].title}.")
        case Guess() as guess:
            yield Paragraph(f"Answer: {_number(guess, step, answers)}")
    yield from _texts(step.reveal)


def _number(guess: Guess, step: Step, answers: Answers) -> str:
    if isinstance(guess.right, float):
        return number_text(guess.right, guess.unit)
    used = answers(step.screen)
    assert used is not None  # such a question needs a screen with a class
    return number_text(used.facts[guess.right], guess.unit)
