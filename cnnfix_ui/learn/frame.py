"""The frame that leads through a lesson: a bar, the step's text, its question or reveal, above the app's own page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import streamlit as st

from cnnfix_core.errors import LessonError
from cnnfix_core.lessons import Look, Which
from cnnfix_site import PAGES
from cnnfix_ui import address
from cnnfix_ui.components.prose.component import prose
from cnnfix_ui.components.shortcuts.component import shortcuts
from cnnfix_ui.errors import escaped
from cnnfix_ui.learn import FRAME, questions, reveals
from cnnfix_ui.learn.answers import SKIPPED
from cnnfix_ui.learn.place import Place, place_of
from cnnfix_ui.learn.screens import seen_on

_STYLE = Path(__file__).with_name("frame.css")
BACK, NEXT, LEAVE, PRESENT = "lesson-back", "lesson-next", "lesson-leave", "lesson-present"
_KEYS = {"ArrowLeft": BACK, "ArrowRight": NEXT, "h": questions.HINT}
# Clickers send the last two.
_PRESENTER_KEYS = {**_KEYS, " ": NEXT, "PageUp": BACK, "PageDown": NEXT}

# Settings of Explore that open a section of it, which a presenter needs as well as the maps.
_SECTIONS = {"look", "hide", "cut"}


def draw(frame: Mapping[str, str], page: str, question: str) -> bool:
    """Draw the frame around a page; False if the page itself is not to be drawn.

    Args:
        frame: the settings of the frame.
        page: the name of the page in the address.
        question: the page's heading.
    """
    st.html(_STYLE)
    try:
        place = place_of(frame)
    except LessonError as error:
        _say_that_there_is_none(error, question)
        return True
    if page != place.step.screen.page:
        _draw_bar(place, page)
        st.title(question, anchor=False)
        return True
    _draw_bar(place, page)
    st.title(escaped(place.step.title), anchor=False)
    if place.step.text:
        prose(place.step.text, key=f"{place.key}.text", size="lead")
    if not _draw_step(place):
        return False
    with st.container(key="lesson-page"):
        st.header(question, anchor=False)
    return True


def _say_that_there_is_none(error: LessonError, question: str) -> None:
    address.leave_frame()
    st.title(question, anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(escaped(str(error)), icon=":material/info:")
        st.page_link(PAGES / "learn.py", label="Go to all lessons", icon=":material/arrow_forward:")


def _draw_step(place: Place) -> bool:
    """Draw what the step asks or reveals; False if its page is not to be drawn."""
    if place.is_open:
        answer = questions.ask(place)
        if answer is not None:
            place.answered(answer).go()
        return False
    screen = place.step.screen
    presents = place.presenting and screen.page == "explore" and not _SECTIONS & screen.settings.keys()
    seen = None
    if place.step.question or presents:
        with st.spinner("Asking the network …", show_time=True):
            seen = seen_on(screen)
    if place.step.question:
        reveals.reveal(place, seen)
    if seen is None or not presents:
        return True
    if not isinstance(place.step.question, Look | Which):  # else the maps are there already
        reveals.show_maps(seen, f"{place.key}.shown")
    return False


def _draw_bar(place: Place, page: str) -> None:
    total = len(place.lesson.steps)
    with st.container(key="lesson-bar", horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(key="lesson-where", gap=None):
            st.markdown(f"{place.number} of {total} · **{escaped(place.lesson.title)}**")
            st.progress(place.number / total)
        if st.button("Back", icon=":material/arrow_back:", key=BACK, disabled=place.number == 1):
            place.at(place.number - 1).go()
        words, kind = _next(place, page)
        if st.button(words, icon=":material/arrow_forward:", icon_position="right", key=NEXT, type=kind):
            _go_on(place, page)
        if place.presenting:
            if st.button("Close", icon=":material/close:", key=PRESENT, help="Close the presenter view."):
                replace(place, presenting=False).go()
        else:
            if st.button("Present", icon=":material/slideshow:", key=PRESENT, help="Large type, for a projector."):
                replace(place, presenting=True).go()
            if st.button("Leave", icon=":material/close:", key=LEAVE, help="Leave the lesson; the page stays."):
                _leave(page)
    shortcuts(_PRESENTER_KEYS if place.presenting else _KEYS, key="lesson-keys")


def _next(place: Place, page: str) -> tuple[str, Literal["primary", "secondary"]]:
    """The label of the button that leads on, and its type."""
    if page != place.step.screen.page:
        return "Back to the step", "primary"
    if place.is_open:
        return ("Show", "primary") if place.presenting else ("Skip", "secondary")
    return ("Finish" if place.is_last else "Next"), "primary"


def _go_on(place: Place, page: str) -> None:
    """To the next step, or from the last one to all lessons. A presenter sees the reveal first."""
    if page != place.step.screen.page:
        place.go()
    if place.is_open and place.presenting:
        place.answered(SKIPPED).go()
    if not place.is_last:
        place.at(place.number + 1).go()
    address.leave_frame()
    st.switch_page(PAGES / "learn.py")


def _leave(page: str) -> None:
    """Leave the lesson; the page stays as it is."""
    kept = {name: value for name, value in st.query_params.to_dict().items() if name not in FRAME}
    address.leave_frame()
    st.switch_page(PAGES / f"{page}.py", query_params=kept)
