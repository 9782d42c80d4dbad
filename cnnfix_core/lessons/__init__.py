"""Lessons: short steps through the app's own screens, each one Markdown file."""

from cnnfix_core.lessons.lesson import Choose, Fact, Guess, Lesson, Look, Question, Screen, Step, Which

__all__ = ["Choose", "Fact", "Guess", "Lesson", "Look", "Question", "Screen", "Step", "Which"]
