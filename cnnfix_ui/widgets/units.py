"""A unit inside the network as the question: its setting, and the field for its name."""

import streamlit as st

from cnnfix_core.engine import Unit
from cnnfix_core.errors import TargetError
from cnnfix_ui import errors
from cnnfix_ui.address import Setting

_TEXT = "unit.text"


def parse_unit(text: str) -> Unit:
    """A unit from the address. Raises ValueError for anything else."""
    try:
        return Unit.parse(text)
    except TargetError as error:
        raise ValueError(text) from error


UNIT = Setting(None, parse_unit)


def choose_unit() -> None:
    """Draw the field for the unit in session state. A text that names none changes nothing but a message."""
    if not errors.refusal(_TEXT):
        st.session_state[_TEXT] = str(st.session_state["unit"] or "")
    st.text_input(
        "Unit inside the network",
        key=_TEXT,
        on_change=_take,
        placeholder="Module:channel, such as blocks.3.0.conv_pw:87",
        help="Asks about a channel where it is strongest, instead of a class. Backtrack names modules and channels.",
    )
    errors.show_refusal(_TEXT)


def _take() -> None:
    text = st.session_state[_TEXT].strip()
    errors.refuse(_TEXT, "")
    try:
        st.session_state["unit"] = Unit.parse(text) if text else None
    except TargetError as error:
        errors.refuse(_TEXT, str(error))
