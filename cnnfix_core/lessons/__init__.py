"""Lessons: short steps through the app's own screens, each one Markdown file."""

from cnnfix_core.errors import Fault, LessonError
from cnnfix_core.lessons.draft import draft_of
from cnnfix_core.lessons.glossary import Term, terms
from cnnfix_core.lessons.lesson import Choose, Fact, Guess, Lesson, Look, Question, Screen, Step, Which
from cnnfix_core.lessons.prose import Paragraph, Prose, Span, plain, read_prose
from cnnfix_core.lessons.reading import MAX_BYTES, read_lesson
from cnnfix_core.lessons.screens import ASKABLE, PAGES, Asked, address_of, asked_by, parse_screen
from cnnfix_core.lessons.seeing import Answering, Explained, Shown, explained_on, facts_of, number_text, picture_on
from cnnfix_core.lessons.shipped import lesson_file, list_lessons, load_lesson, unread_lessons
from cnnfix_core.lessons.worksheet import worksheet

__all__ = [
    "ASKABLE",
    "MAX_BYTES",
    "PAGES",
    "Answering",
    "Asked",
    "Choose",
    "Explained",
    "Fact",
    "Fault",
    "Guess",
    "Lesson",
    "LessonError",
    "Look",
    "Paragraph",
    "Prose",
    "Question",
    "Screen",
    "Shown",
    "Span",
    "Step",
    "Term",
    "Which",
    "address_of",
    "asked_by",
    "draft_of",
    "explained_on",
    "facts_of",
    "lesson_file",
    "list_lessons",
    "load_lesson",
    "number_text",
    "parse_screen",
    "picture_on",
    "plain",
    "read_lesson",
    "read_prose",
    "terms",
    "unread_lessons",
    "worksheet",
]
