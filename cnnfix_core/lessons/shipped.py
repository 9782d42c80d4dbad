"""The lessons that can be taken: those of assets/lessons, and those in a folder of a teacher's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cnnfix_core.errors import LessonError
from cnnfix_core.lessons.lesson import Lesson
from cnnfix_core.lessons.reading import MAX_BYTES, read_lesson
from cnnfix_site import ASSETS

FOLDER = ASSETS / "lessons"
# A folder with more files than this is not one of lessons.
_MOST = 200


@dataclass(frozen=True, slots=True)
class UnreadLesson:
    """A file in a teacher's folder that cannot be read. name: of the file."""

    name: str
    error: LessonError


def list_lessons(folder: Path | None = None) -> tuple[Lesson, ...]:
    """All lessons that can be read.

    Args:
        folder: A teacher's own; its lessons come first, and one with a shipped lesson's name takes that one's place.

    Returns:
        The lessons; shipped ones in the order of the numbers that their files' names begin with.
    """
    own = [one for one in _read_all(folder) if isinstance(one, Lesson)] if folder else []
    taken = {lesson.name for lesson in own}
    shipped = [one for one in _read_all(FOLDER) if isinstance(one, Lesson)]
    return (*own, *(lesson for lesson in shipped if lesson.name not in taken))


def unread_lessons(folder: Path) -> tuple[UnreadLesson, ...]:
    """The files of a teacher's folder that cannot be read."""
    return tuple(one for one in _read_all(folder) if isinstance(one, UnreadLesson))


def load_lesson(name: str, folder: Path | None = None) -> Lesson:
    """The lesson with this name. Raises LessonError, which lists the known names."""
    lessons = {lesson.name: lesson for lesson in list_lessons(folder)}
    if name not in lessons:
        raise LessonError(f"There is no lesson {name!r}. There are: {', '.join(lessons)}.")
    return lessons[name]


def lesson_file(path: Path) -> Lesson:
    """The lesson in a file, named after it. Raises LessonError, also if the file cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LessonError(f"{path} cannot be read: {error.strerror or error}.") from error
    return read_lesson(content, name_of(path))


def name_of(path: Path) -> str:
    """What a file's lesson is called in addresses: its name without ending, and without a number before it."""
    return path.stem.lower().lstrip("0123456789").lstrip("-_ ") or path.stem.lower()


def _read_all(folder: Path) -> list[Lesson | UnreadLesson]:
    files = sorted(folder.glob("*.md"))[:_MOST] if folder.is_dir() else []
    return [_read(path, path.stat().st_mtime_ns) for path in files if path.is_file()]


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int) -> Lesson | UnreadLesson:
    try:
        return lesson_file(path)
    except LessonError as error:
        return UnreadLesson(path.name, error)
