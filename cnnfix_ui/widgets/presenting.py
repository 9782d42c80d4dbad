"""The presenter view: large type and the answer alone, for a projector. What it leaves out is in style.css."""

import streamlit as st

from cnnfix_ui import address
from cnnfix_ui.components.shortcuts.component import shortcuts

# Of the frame's settings in the address.
VIEW, PRESENTER = "display", "presenter"
_CLOSE = "presenting-close"


def offer() -> None:
    """Draw the button that opens the view."""
    help_text = "Large type and the answer alone, for a projector."
    if st.button("Present", icon=":material/slideshow:", key="present", help=help_text):
        st.query_params[VIEW] = PRESENTER
        st.rerun()


def is_on() -> bool:
    """Whether the page is shown in this view, in a lesson or alone."""
    return address.frame().get(VIEW) == PRESENTER


def mark() -> None:
    """Show the page in this view."""
    st.html("<span class='presenting'></span>")


def offer_to_close() -> None:
    """Draw the button that closes the view; Escape presses it."""
    if st.button("Close", icon=":material/close:", key=_CLOSE, help="Close the presenter view (Escape)."):
        del st.query_params[VIEW]
        st.rerun()
    shortcuts({"Escape": _CLOSE}, key="presenting-keys")
