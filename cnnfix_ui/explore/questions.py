"""The questions of Explore: one setting of the address says which is open, and what has been answered.

To add one, write a `Question` in a file of its own and name it in `QUESTIONS`.
"""

from __future__ import annotations

import streamlit as st

from cnnfix_ui.address import Setting
from cnnfix_ui.components.taps.component import Taps
from cnnfix_ui.explore import cutting, hiding, looking, proposing
from cnnfix_ui.explore.question import ASK, Open, Question, Subject, answer, is_open

QUESTIONS = (looking.QUESTION, cutting.QUESTION, hiding.QUESTION, proposing.QUESTION)
_BY_NAME = {one.name: one for one in QUESTIONS}


def _parsed(text: str) -> Open:
    """What the address says: "NAME" or "NAME:ANSWER". Raises ValueError for what cannot be."""
    name, _, given = text.partition(":")
    if name not in _BY_NAME:
        raise ValueError(text)
    question = _BY_NAME[name]
    return Open(question, question.parse(given) if given else question.first)


def _written(found: Open) -> str:
    question = found.question
    return question.name if found.answer == question.first else f"{question.name}:{question.text(found.answer)}"


# None where the answer is shown. Addresses of earlier versions are NAME=ANSWER.
SETTINGS = {ASK: Setting(None, _parsed, _written, older=tuple(_BY_NAME))}


def renew() -> None:
    """For another picture, forget what was marked on the last one."""
    found = is_open()
    if found and isinstance(found.answer, Taps):
        answer(found.question.first)


def section(subject: Subject) -> bool:
    """Draw the open question; False if there is none that fits."""
    found = is_open()
    if found is None or not _fits(found.question, subject):
        return False
    if isinstance(found.answer, Taps) and not found.answer.are_inside(subject.picture):
        renew()  # a link to another picture
        return section(subject)
    question = found.question
    st.header(question.words, anchor=False)
    question.draw(subject, found.answer)
    with st.container(horizontal=True, gap="medium"):
        if question.again and found.answer != question.first:
            st.button(question.again, icon=":material/replay:", on_click=answer, args=(question.first,))
        st.button("Back to the answer", icon=":material/arrow_back:", on_click=_show, args=(None,), key="ask.back")
    return True


def offer(subject: Subject) -> None:
    """Draw the buttons that open them."""
    with st.container(horizontal=True, gap="medium"):
        for one in QUESTIONS:
            if _fits(one, subject):
                st.button(one.words, icon=one.icon, on_click=_show, args=(Open(one, one.first),), key=f"ask.{one.name}")


def _fits(question: Question, subject: Subject) -> bool:
    return subject.whole or question.any_part


def _show(found: Open | None) -> None:
    st.session_state[ASK] = found
