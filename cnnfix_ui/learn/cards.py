"""All lessons as cards: start one, print it, take it with a class; and an own lesson file, checked."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnnfix_core.lessons import Lesson, unread_lessons, worksheet
from cnnfix_site.hosting import lessons_folder
from cnnfix_ui.components.prose.component import prose
from cnnfix_ui.errors import escaped
from cnnfix_ui.learn import draft, library
from cnnfix_ui.learn.place import Place
from cnnfix_ui.learn.screens import seen_on

WithClass = Callable[[Lesson], object]
_COLUMNS = 3


def show_lessons(with_class: WithClass | None = None) -> None:
    """Draw the page.

    Args:
        with_class: called when a teacher starts a lesson with a class; None if that is not possible here.
    """
    st.markdown(
        "Short lessons that lead through the app's own pages. You guess first, then you see what the network used. "
        "Take one alone, or use it with a class."
    )
    lessons = library.lessons()
    for first in range(0, len(lessons), _COLUMNS):
        row = lessons[first : first + _COLUMNS]
        for column, lesson in zip(st.columns(_COLUMNS, gap="medium"), row, strict=False):
            with column:
                _card(lesson, with_class)
    _own()


def _card(lesson: Lesson, with_class: WithClass | None) -> None:
    key = f"learn.{lesson.name}"
    with st.container(border=True, height="stretch", key=f"card-{lesson.name}"):
        st.header(escaped(lesson.title), anchor=False)
        st.markdown(escaped(lesson.goal))
        st.caption(escaped(f"{lesson.minutes} minutes · {lesson.age} · {len(lesson.steps)} steps"))
        with st.container(horizontal=True, gap="small"):
            if st.button("Start", key=f"{key}.start", type="primary", icon=":material/play_arrow:"):
                Place(lesson).go()
            if with_class and st.button("Start with a class", key=f"{key}.class", icon=":material/groups:"):
                with_class(lesson)
            with st.popover("More", key=f"{key}.more"):
                _more(lesson, key)


def _more(lesson: Lesson, key: str) -> None:
    if st.button("Present on a projector", key=f"{key}.present", icon=":material/slideshow:", width="stretch"):
        Place(lesson, presenting=True).go()
    sheets: dict[str, tuple[str, Callable[[], bytes]]] = {
        f"{lesson.name}.pdf": ("Worksheet", lambda: worksheet(lesson)),
        f"{lesson.name}-answers.pdf": ("Worksheet with answers and notes", lambda: worksheet(lesson, seen_on)),
    }
    for name, (label, made) in sheets.items():
        st.download_button(
            label,
            made,
            name,
            "application/pdf",
            icon=":material/print:",
            on_click="ignore",
            key=f"{key}.{label}",
            width="stretch",
        )
    st.markdown("**Notes for the teacher**")
    for number, step in enumerate(lesson.steps, 1):
        if step.notes:
            st.caption(escaped(f"{number}  {step.title}"))
            prose(step.notes, key=f"{key}.notes.{number}")


def _own() -> None:
    st.header("A lesson of your own", anchor=False)
    st.markdown(
        "A lesson is one text file. Begin with *Add to lesson* on *Explore* or *Compare*. An uploaded lesson is yours "
        "alone, until you close the page."
    )
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        draft.show()
    library.UPLOAD.draw(lambda: None)
    library.UPLOAD.show_error()
    folder = lessons_folder()
    for unread in unread_lessons(folder) if folder else ():
        st.warning(escaped(f"{unread.name}: {unread.error}"), icon=":material/info:")
