"""The player of a walk in the browser, and the relay through which it asks Python: see the scripts in web/."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from cnnfix_ui.components.assets import script, sheets
from cnnfix_ui.widgets import presenting

HERE = Path(__file__).parent / "web"
SHEETS = ("playback.css", "strip.css", "stage.css", "hop.css", "maps.css")


# Text only ever travels as data, never inside these strings, so that no label can become markup.
_player = st.components.v2.component(
    "cnnfix_backtrack",
    html='<div class="playback"><div class="frame"></div></div>',
    css=sheets(HERE, *SHEETS),
    js=script(HERE / "main.js"),
)
_relay = st.components.v2.component(
    "cnnfix_relay",
    html='<div class="cnnfix-relay"></div>',
    css=sheets(HERE, "relay.css"),
    js=script(HERE / "relay.js"),
    isolate_styles=False,  # its one rule is for the page
)


def player(data: dict[str, Any], *, key: str) -> bool:
    """Draw the player. It plays and steps without Python; its questions come through the relay.

    Args:
        data: from `playback_data`, with the photograph, `end`, from `end_of` or None, and `start`: {"step": the first
            to show}.
        key: of the component.

    Returns:
        Whether the visitor asked to compare the final map with other methods.
    """
    data = {**data, "presented": presenting.is_on()}
    return bool(_player(key=key, data=data, on_compare_change=lambda: None).compare)


def relay(answer: dict[str, Any] | None, *, key: str, on_ask: Callable[[dict[str, Any]], object]) -> None:
    """Draw the invisible relay. Call it in a fragment, so that only the fragment reruns when the player asks.

    Args:
        answer: to the last question, with the player's id and the question's number; None if there is none yet.
        key: of the component.
        on_ask: called with a question, before the fragment reruns. Questions come from the browser and must be treated
            as untrusted.
    """

    def asked() -> None:
        question = st.session_state[key].asked
        if isinstance(question, dict):
            on_ask(question)

    _relay(key=key, data={"answer": answer}, on_asked_change=asked)
