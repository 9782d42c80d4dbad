"""The playback of a walk in the browser, and the relay through which it asks Python: see the scripts in web/."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from cnnfix_ui.components.assets import script, sheets

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


def player(data: dict[str, Any], *, key: str) -> None:
    """Draw the playback. It plays and steps by itself; what it asks for comes through the relay.

    data: as `playback_data` makes it, with `start`: {"step": where to begin}.
    """
    _player(key=key, data=data)


def relay(answer: dict[str, Any] | None, *, key: str, on_ask: Callable[[dict[str, Any]], object]) -> None:
    """The invisible end of the talk: call it in a fragment, which alone runs again when the playback asks.

    answer: to the last question, with the playback's id and the question's number; None if there is none yet.
    on_ask: called with a question, before the fragment runs again. It comes from a browser: believe nothing.
    """

    def asked() -> None:
        question = st.session_state[key].asked
        if isinstance(question, dict):
            on_ask(question)

    _relay(key=key, data={"answer": answer}, on_asked_change=asked)
