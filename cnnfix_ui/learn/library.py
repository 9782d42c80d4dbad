"""The lessons that a visitor can take: shipped ones, those in the server's folder, and one of the visitor's own."""

from __future__ import annotations

from collections.abc import Sequence

from cnnfix_core.lessons import Lesson, list_lessons, load_lesson, read_lesson
from cnnfix_site.hosting import lessons_folder
from cnnfix_ui.widgets.uploads import OWN, Upload


def _read(files: Sequence[tuple[str, bytes]]) -> Lesson:
    return read_lesson(files[0][1], OWN)


UPLOAD: Upload[Lesson] = Upload("learn", "Your own lesson, a .md file", _read)


def lessons() -> tuple[Lesson, ...]:
    """All lessons, the visitor's own first."""
    own = UPLOAD.value
    return (*([own] if own else []), *list_lessons(lessons_folder()))


def find_lesson(name: str) -> Lesson:
    """The lesson with this name. Raises LessonError."""
    own = UPLOAD.value
    return own if own and name == OWN else load_lesson(name, lessons_folder())
