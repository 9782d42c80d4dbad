"""How a class begins: a lesson is chosen, and the step that comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import streamlit as st

from cnnfix_core.lessons import Lesson, LessonError
from cnnfix_site import PAGES
from cnnfix_ui.errors import escaped
from cnnfix_ui.learn.library import find_lesson, lessons

KEY = "begin"  # in the address: the lesson's name, and after a dot the step


@dataclass(frozen=True)
class Begin:
    """What a teacher chose. at: the first step, from 0."""

    lesson: Lesson
    nicknames: bool
    at: int


def with_class(lesson: Lesson) -> NoReturn:
    """Go to the page on which a room is opened for this lesson."""
    st.switch_page(PAGES / "room.py", query_params={KEY: lesson.name})


def choose() -> Begin | None:
    """Draw the form; what was chosen when its button was pressed."""
    named, at = _named()
    every = lessons()
    if not every:
        st.error("There is no lesson on this server.", icon=":material/info:")
        return None
    known = [lesson.name for lesson in every]
    lesson = st.selectbox(
        "Lesson",
        every,
        index=known.index(named.name) if named and named.name in known else 0,
        format_func=lambda one: one.title,
        key="room.chosen",
    )
    st.markdown(f"{escaped(lesson.goal)} About {lesson.minutes} minutes, {escaped(lesson.age)}.")
    steps = range(len(lesson.steps))
    first = st.selectbox(
        "Start at step",
        steps,
        index=min(at, steps[-1]) if lesson == named else 0,
        format_func=lambda number: f"{number + 1}. {lesson.steps[number].title}",
        key=f"room.first.{lesson.name}",
    )
    nicknames = st.toggle(
        "Pupils may take a nickname",
        key="room.nicknames",
        help="To name the one whose taps are closest to the network. Wrong answers are never shown with a name.",
    )
    if st.button("Open a room", type="primary", key="room.open"):
        return Begin(lesson, nicknames, first)
    return None


def _named() -> tuple[Lesson | None, int]:
    """The lesson and the step, from 0, that the address names."""
    name, _, step = st.query_params.get(KEY, "").rpartition(".")
    if not step.isdecimal() or len(step) > 3:
        name, step = st.query_params.get(KEY, ""), "1"
    try:
        return find_lesson(name), max(0, int(step) - 1)
    except LessonError:
        return None, 0
