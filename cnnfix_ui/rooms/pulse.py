"""Pages ask whether something has changed; only then are they drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from cnnfix_ui.rooms.registry import rooms
from cnnfix_ui.rooms.room import Room


def pulse(room: Room, drawn: int, beat: Callable[[], object]) -> None:
    """Ask again and again, more rarely the more phones there are.

    Args:
        room: the room that the page shows.
        drawn: the room's version before the page was drawn.
        beat: called each time; it may draw what changes often.
    """

    @st.fragment(run_every=rooms.period())
    def asking() -> None:
        beat()
        if room.version != drawn:
            st.rerun()

    asking()
