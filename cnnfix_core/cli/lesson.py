"""`cnnfix lesson`: check a lesson file, and print its worksheet."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from cnnfix_core.cli.options import add_device, file_ending
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError, LessonError, need
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument(
        "lesson", metavar="FILE", help="a lesson file, or the name of a lesson that comes with the app"
    )
    command.add_argument(
        "--worksheet", metavar="FILE", type=file_ending(".pdf"), help="write a worksheet to print, as PDF"
    )
    command.add_argument("--answers", action="store_true", help="with the answers and the teacher's notes")
    add_device(command)


def run(options: argparse.Namespace) -> int:
    """Print what is in the lesson, or its faults; write the worksheet."""
    need("markdown_it")
    from cnnfix_core.lessons import explained_on, lesson_file, load_lesson, worksheet

    if options.answers and not options.worksheet:
        raise CnnfixError("--answers needs --worksheet FILE.")
    path = Path(options.lesson)
    shipped = not path.exists() and path.suffix != ".md"
    try:
        lesson = load_lesson(options.lesson) if shipped else lesson_file(path)
    except LessonError as error:
        for fault in error.faults:
            print(fault)
        if error.faults:
            raise CnnfixError(f"{path} has {error.count}.") from error
        raise
    steps = "1 step" if len(lesson.steps) == 1 else f"{len(lesson.steps)} steps"
    asking = sum(step.question is not None for step in lesson.steps)
    print(f"{lesson.title}: {steps}, {asking} with a question, {lesson.minutes} minutes, {lesson.age}.")
    if options.worksheet:
        with Waiting("Computing the answers" if options.answers else "Drawing the worksheet"):
            seen = partial(explained_on, device=options.device) if options.answers else None
            made = worksheet(lesson, seen)
        write_file(options.worksheet, made)
        print(options.worksheet)
    return 0
