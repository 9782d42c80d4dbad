"""The question about a unit inside the network, on Backtrack."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnnfix_core.engine import Unit
from cnnfix_core.errors import TargetError
from cnnfix_ui.backtrack.replies import Reply
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.server.results import RecordedWalk
from cnnfix_ui.widgets import controls


def ask(explained: Callable[[results.Target], RecordedWalk]) -> RecordedWalk:
    """The walk from the chosen unit, or from the class if there is none, or none in this network."""
    unit = st.session_state["unit"]
    if unit is not None:
        try:
            return explained(unit)
        except TargetError:
            _ask_about(None)
    return controls.ask(explained)


def back_to_classes() -> None:
    """Draw the button that ends the question about a unit."""
    st.header("A unit inside the network", anchor=False)
    st.button("Explain a class again", icon=":material/undo:", on_click=_ask_about, args=(None,), key="unit.end")


def offer(reply: Reply) -> None:
    """Draw the button that asks about what is chosen, if it is a unit."""
    if not reply.unit or reply.unit == st.session_state["unit"]:
        return
    if st.button(escaped(reply.words), icon=":material/center_focus_strong:", key="unit.ask"):
        _ask_about(reply.unit)
        st.rerun(scope="app")


def _ask_about(unit: Unit | None) -> None:
    st.session_state["unit"] = unit
    st.session_state["step"], st.session_state["chosen"] = 0, None
