"""A card for a first visit, which leads to the lessons; once seen or closed, this browser does not show it again."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from cnnfix_site import PAGES
from cnnfix_ui import address
from cnnfix_ui.components.assets import script

HERE = Path(__file__).parent / "web"
_KEY = "welcome"

_component = st.components.v2.component(
    "cnnfix_welcome",
    html='<div class="welcome" hidden></div>',
    css=(HERE / "welcome.css").read_text("utf-8"),
    js=script(HERE / "welcome.js"),
)
_DATA = {
    "words": "New here? Short lessons show what a network looks at. You guess first.",
    "button": "See the lessons",
    "close": "Close this note",
}


def offer() -> None:
    """Draw the card, unless a lesson is on."""
    if address.frame():
        return
    answer = _component(key=_KEY, data=_DATA, on_gone_change=lambda: None)
    if answer.gone:
        st.switch_page(PAGES / "learn.py")
