"""Signals: a time series or a video clip, what a network predicts, and which moments led to it."""

import streamlit as st

from cnnfix_ui.address import kept_in_address
from cnnfix_ui.signals import clips, series, state
from cnnfix_ui.widgets import networks
from cnnfix_ui.widgets.order import first

with kept_in_address(state.SETTINGS):
    first("kind").segmented_control(
        "Signal",
        list(state.SIGNAL_KINDS),
        required=True,
        format_func=state.SIGNAL_KINDS.__getitem__,
        key="kind",
        on_change=networks.reset_classes,
        label_visibility="collapsed",
    )
    (series if st.session_state["kind"] == "series" else clips).show()
