"""Closes the menu of a phone when a page was chosen: see menu.js."""

from pathlib import Path

import streamlit as st

from cnnfix_ui.components.assets import script

HERE = Path(__file__).parent

_component = st.components.v2.component("cnnfix_menu", html="<span></span>", js=script(HERE / "menu.js"))


def closing_menu() -> None:
    """Draw nothing, and let the menu close."""
    _component(key="menu", height=1)
