"""The screens of a room in the browser: see web/phone.js and web/board.js."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from cnnfix_ui.components.assets import script, sheets

HERE = Path(__file__).parent / "web"
_STAGE = Path("..", "..", "components", "taps", "stage.css")

# Text only ever travels as data, never inside these strings, so that no label can become markup.
_phone = st.components.v2.component(
    "cnnfix_phone",
    html='<div class="phone"></div>',
    css=sheets(HERE, str(_STAGE), "parts.css", "phone.css"),
    js=script(HERE / "phone.js"),
)
_board = st.components.v2.component(
    "cnnfix_board",
    html='<div class="board"></div>',
    css=sheets(HERE, str(_STAGE), "parts.css", "board.css"),
    js=script(HERE / "board.js"),
)
_desk = st.components.v2.component(
    "cnnfix_desk",
    html='<div class="desk"></div>',
    css=sheets(HERE, "parts.css", "desk.css"),
    js=script(HERE / "desk.js"),
)
OnAnswer = Callable[[int, Any], object]


def phone(data: Mapping[str, Any], on_answer: OnAnswer) -> None:
    """Draw a pupil's phone. on_answer: called with the step and what was sent, which comes from the browser."""
    _phone(key="phone", data=dict(data), on_answer_change=lambda: _take("phone", on_answer), on_changed_change=_run)


def board(data: Mapping[str, Any], on_answer: OnAnswer) -> None:
    """Draw the board. on_answer: as for `phone`."""
    _board(key="board", data=dict(data), on_answer_change=lambda: _take("board", on_answer), on_changed_change=_run)


def counts(data: Mapping[str, Any]) -> None:
    """Draw how many have answered, live."""
    _desk(key="desk", data=dict(data), on_changed_change=_run)


def _run() -> None:
    """The room has changed: all there is to do is to run the page, which happens anyway."""


def _take(key: str, on_answer: OnAnswer) -> None:
    sent = st.session_state[key].answer
    if isinstance(sent, dict) and type(sent.get("step")) is int:
        on_answer(sent["step"], sent.get("value"))
