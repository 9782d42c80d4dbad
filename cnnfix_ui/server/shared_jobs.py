"""The jobs of all pages, and who asks for them."""

from __future__ import annotations

import uuid

import streamlit as st

from cnnfix_ui.server.jobs import Jobs
from cnnfix_ui.server.turns import turns

_VISITOR = "jobs.visitor"
_DEFAULT_SIZE = 1_000  # bytes of a result that does not say how many it has

jobs = Jobs(
    workers=2,
    max_bytes=512_000_000,
    size_of=lambda result: getattr(result, "nbytes", _DEFAULT_SIZE),
    turn=lambda: turns.acquired(long=True),
)


def visitor() -> str:
    """This visitor's name among the jobs."""
    name: str = st.session_state.setdefault(_VISITOR, uuid.uuid4().hex)
    return name
