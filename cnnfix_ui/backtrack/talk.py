"""The Python side of the conversation with the player: its questions change state and address, and are answered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from cnnfix_core import Picture
from cnnfix_core.backtrack import Chosen
from cnnfix_ui import address
from cnnfix_ui.address import Setting
from cnnfix_ui.backtrack import files, units
from cnnfix_ui.backtrack.component import relay
from cnnfix_ui.backtrack.replies import kept_inside, reply
from cnnfix_ui.server import questions
from cnnfix_ui.server.results import RecordedWalk
from cnnfix_ui.widgets.downloads import downloads

_ASKED, _NUMBER = "backtrack.asked", "backtrack.number"


def parse_step(text: str) -> int:
    """A step's number from the address. Raises ValueError for anything else; `keep_inside` checks its range."""
    if not text.isdecimal() or len(text) > 6:
        raise ValueError(text)
    return int(text)


@st.fragment
def answer_questions(name: str, picture: Picture, walk: RecordedWalk, settings: Mapping[str, Setting]) -> None:
    """Answer the questions about the walk with this name; only this fragment reruns.

    It reads and changes "step" and "chosen", a `Chosen` or None, in session state.

    Args:
        name: of the walk.
        picture: the explained picture.
        walk: the walk.
        settings: of the page's address.
    """
    state = st.session_state
    found = walk.ask(reply, name, state.pop(_ASKED, None), state["step"], state["chosen"])
    state["step"], state["chosen"] = found.step, found.chosen
    if found.number is not None:
        state[_NUMBER] = found.number
    relay({"playback": name, "ask": state.get(_NUMBER, 0), **found.data}, key="relay", on_ask=_note)
    address.write(settings)
    units.offer(found)
    _downloads(picture, walk, found.step, found.chosen)


def keep_inside(walk: RecordedWalk) -> None:
    """Reset a step or a choice that this walk does not have."""
    state = st.session_state
    state["step"], state["chosen"] = walk.ask(kept_inside, state["step"], state["chosen"])


def _downloads(picture: Picture, walk: RecordedWalk, step: int, chosen: Chosen | None) -> None:
    downloads(
        {
            f"step-{step}.png": ("This step", partial(walk.ask, files.step_file, picture, step, chosen)),
            "walk.gif": ("Animation", partial(walk.ask, questions.animated, picture)),
            "walk.json": ("Whole walk", partial(walk.ask, files.whole_walk)),
        }
    )


def _note(question: dict[str, Any]) -> None:
    st.session_state[_ASKED] = question
