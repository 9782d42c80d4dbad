"""`cnnfix lesson`: check a lesson file, and print its worksheet."""

from __future__ import annotations

import argparse
from pathlib import Path

from cnnfix_core.cli.options import file_ending
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.errors import CnnfixError, LessonError, need


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument(
        "lesson", metavar="FILE", help="a lesson file, or the name of a lesson that comes with the app"
    )
    command.add_argument(
        "--worksheet", metavar="FILE", type=file_ending(".pdf"), help="write a worksheet to print, as PDF"
    )
    command.add_argument("--answers", action="store_true", help="with the answers and the teacher's notes")


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
        options.worksheet.write_bytes(worksheet(lesson, explained_on if options.answers else None))
        print(options.worksheet)
    return 0
