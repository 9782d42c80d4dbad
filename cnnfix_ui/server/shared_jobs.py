"""The jobs of all pages, and the visitors who request them."""

from __future__ import annotations

import uuid

import streamlit as st

from cnnfix_ui.server.jobs import Jobs
from cnnfix_ui.server.turns import turns

_VISITOR = "jobs.visitor"
_DEFAULT_SIZE = 1_000  # bytes, for a result without `nbytes`

jobs = Jobs(
    workers=2,
    max_bytes=512_000_000,
    size_of=lambda result: getattr(result, "nbytes", _DEFAULT_SIZE),
    turn=lambda: turns.acquired(long=True),
)


def visitor() -> str:
    """An identifier of this visitor."""
    name: str = st.session_state.setdefault(_VISITOR, uuid.uuid4().hex)
    return name
