"""Asking the question of a step: before it is answered, nothing is shown that answers it."""

from __future__ import annotations

import streamlit as st

from cnnfix_core.lessons import Choose, Guess, Look, Shown, Which, picture_on
from cnnfix_ui.components.panels.component import Layer, Panel, panels
from cnnfix_ui.components.prose.component import prose
from cnnfix_ui.components.taps.component import TapQuestion, Taps, ask_taps, show_taps
from cnnfix_ui.errors import escaped
from cnnfix_ui.learn.answers import Answer
from cnnfix_ui.learn.place import Place
from cnnfix_ui.learn.screens import seen_on

_SENT, _HINTS = "lesson.sent", "lesson.hints"
ANSWER = "Answer"
HINT = "lesson-hint"  # key of the button


def ask(place: Place) -> Answer | None:
    """Draw the question, and return the answer once it is given."""
    asked(place)
    if isinstance(place.step.question, Look):
        st.caption(_how(place.step.question))
    shown = picture_on(place.step.screen)
    left, right = st.columns([1.7, 1], gap="large") if shown else (None, st.container())
    if left and shown:
        with left:
            _show(place, shown)
    with right:
        given = _ask(place, place.key)
        _hint(place, place.key)
    return given


def asked(place: Place) -> None:
    """Draw the question itself."""
    with st.container(key="lesson-ask"):
        st.header(escaped(place.step.ask), anchor=False)


def _show(place: Place, shown: Shown) -> None:
    """Draw what the question is about: the picture, to be tapped on or not, or two maps without their names."""
    question, key = place.step.question, place.key
    if isinstance(question, Which):
        _show_maps(place, question)
    elif isinstance(question, Look):
        wanted = TapQuestion(place.step.ask, ANSWER, 0 if question.box else question.most, question.box)
        ask_taps(shown.picture, wanted, key=f"{key}.taps", on_send=lambda taps: _keep(key, taps))
    else:
        show_taps(shown.picture, label=f"The picture: {shown.title}", key=f"{key}.picture")


def _show_maps(place: Place, question: Which) -> None:
    with st.spinner("Asking the network …", show_time=True):
        seen = seen_on(place.step.screen)
        assert seen is not None  # a file with such a question on another screen is refused
        maps = {letter: seen.map_by(name) for letter, name in zip("AB", question.methods, strict=True)}
    shown = [Panel(letter, [Layer.of(map_)]) for letter, map_ in maps.items() if map_ is not None]
    alt = "One of two maps of the same picture."
    panels(seen.picture, shown, points="", opacity=0.75, alt=alt, key=f"{place.key}.maps")


def _ask(place: Place, key: str) -> Answer | None:
    question = place.step.question
    if isinstance(question, Look):
        return _kept(key)
    with st.form(f"{key}.form", border=False):
        chosen: Answer | None
        if isinstance(question, Guess):
            chosen = _number(question, place.step.ask, key)
        else:
            chosen = _option(question, place.step.ask, key)
        sent = st.form_submit_button(ANSWER, type="primary")
    if sent and chosen is None:
        st.caption("Choose an answer first.")
    return chosen if sent else None


def _option(question: object, ask: str, key: str) -> int | None:
    options = question.options if isinstance(question, Choose) else [f"Map {letter}" for letter in "AB"]
    return st.radio(
        ask,
        range(len(options)),
        index=None,
        format_func=lambda number: escaped(options[number]),
        key=f"{key}.option",
        label_visibility="collapsed",
    )


def _number(question: Guess, ask: str, key: str) -> float:
    low, high = question.low, question.high
    unit = f" {question.unit}".replace("%", "%%") if question.unit else ""
    return st.slider(
        ask,
        low,
        high,
        (low + high) / 2,
        question.step,
        f"%{'.0f' if question.whole else 'g'}{unit}",
        key=f"{key}.number",
        label_visibility="collapsed",
    )


def _how(question: Look) -> str:
    if question.box:
        return "Draw a box on the picture, then press the button below it."
    count = "1 place" if question.most == 1 else f"up to {question.most} places"
    return f"Tap {count} on the picture, then press the button below it. Tap a mark again to take it away."


def _hint(place: Place, key: str) -> None:
    if not place.step.hint:
        return
    shown = st.session_state.setdefault(_HINTS, set())
    if key in shown:
        with st.container(border=True):
            prose(place.step.hint, key=f"{key}.hint")
    else:
        st.button("Hint", icon=":material/lightbulb:", key=HINT, on_click=shown.add, args=[key])


def _keep(key: str, taps: Taps) -> None:
    st.session_state[_SENT] = key, taps


def _kept(key: str) -> Taps | None:
    """What was sent for this question, once."""
    sent = st.session_state.get(_SENT)
    if sent and sent[0] == key:
        del st.session_state[_SENT]
        taps: Taps = sent[1]
        return taps
    return None
