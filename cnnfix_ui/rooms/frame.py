"""The frame of a screen in a room: no menu, nothing but what the class needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent / "web"


@contextmanager
def bare(screen: str) -> Iterator[None]:
    """Draw what is inside the block without the app's header. screen: "phone", "board" or "desk"."""
    st.html(_HERE / "frame.css")
    with st.container(key=f"room-{screen}"):
        yield
