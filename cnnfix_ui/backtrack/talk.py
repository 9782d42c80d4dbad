"""The Python side of the conversation with the player: its questions change state and address, and are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from cnnfix_core import Picture
from cnnfix_core.backtrack import Chosen, Walked, gif, step_image, trace_json
from cnnfix_core.visualization import png
from cnnfix_ui import address
from cnnfix_ui.address import Setting
from cnnfix_ui.backtrack import units
from cnnfix_ui.backtrack.answers import answer
from cnnfix_ui.backtrack.component import relay
from cnnfix_ui.widgets.downloads import downloads

_ASKED, _NUMBER = "backtrack.asked", "backtrack.number"


def parse_step(text: str) -> int:
    """A step's number from the address. Raises ValueError for anything else; `keep_inside` checks its range."""
    if not text.isdecimal() or len(text) > 6:
        raise ValueError(text)
    return int(text)


@st.fragment
def answer_questions(name: str, picture: Picture, get: Callable[[], Walked], settings: Mapping[str, Setting]) -> None:
    """Answer the questions about the walk with this name; only this fragment reruns.

    It reads and changes "step" and "chosen", a `Chosen` or None, in session state.

    Args:
        name: of the walk.
        picture: the explained picture.
        get: returns the walk; the fragment would keep the walk itself in memory.
        settings: of the page's address.
    """
    walked = get()
    _take(st.session_state.pop(_ASKED, None), name, walked)
    keep_inside(walked)
    step, chosen = st.session_state["step"], st.session_state["chosen"]
    number = st.session_state.get(_NUMBER, 0)
    relay({"playback": name, "ask": number, **answer(walked, step, chosen)}, key="relay", on_ask=_note)
    address.write(settings)
    units.offer(walked, chosen)
    _downloads(picture, get, step, chosen)


def keep_inside(walked: Walked) -> None:
    """Reset a step or a choice that this walk does not have."""
    steps = walked.path.steps
    if st.session_state["step"] >= len(steps):
        st.session_state["step"] = 0
    chosen: Chosen | None = st.session_state["chosen"]
    if chosen and (
        chosen.step >= len(steps)
        or not len(chosen.rows(walked.trace.selection(steps[chosen.step].value), steps[chosen.step]))
    ):
        st.session_state["chosen"] = None


def _downloads(picture: Picture, get: Callable[[], Walked], step: int, chosen: Chosen | None) -> None:
    def this_step() -> bytes:
        walked = get()
        return png(step_image(walked, picture, step, walked.line(chosen)))

    downloads(
        {
            f"step-{step}.png": ("This step", this_step),
            "walk.gif": ("Animation", lambda: gif(get(), picture)),
            "walk.json": ("Whole walk", lambda: trace_json(get())),
        }
    )


def _note(question: dict[str, Any]) -> None:
    st.session_state[_ASKED] = question


def _take(question: dict[str, Any] | None, name: str, walked: Walked) -> None:
    """Take step and choice from a question. It comes from the browser: an invalid one changes nothing."""
    match question:
        case {"playback": playback, "ask": int(number), "step": int(step), "chosen": choice, "keep": bool(keep)} if (
            playback == name and step >= 0
        ):
            st.session_state[_NUMBER] = number
            st.session_state["step"] = step
            if not keep:
                st.session_state["chosen"] = _chosen(choice, walked)


def _chosen(choice: object, walked: Walked) -> Chosen | None:
    match choice:
        case {"step": int(step), "element": str(element)}:
            try:
                return Chosen.parse(f"{step}.{element}")
            except ValueError:
                return None
        case {"step": int(step), "channel": int(channel)} if step >= 0 and channel >= 0:
            return Chosen(step, channel)
        case {"step": int(step), "point": int(point)}:
            return _at_point(step, point, walked)
    return None


def _at_point(step: int, point: int, walked: Walked) -> Chosen | None:
    """The element or place at a point of the playback."""
    playback = walked.playbacks[0]
    cloud = playback.cloud_at(step) if 0 <= step < len(playback.of_step) else None
    if cloud is None or not 0 <= point - cloud.first < len(cloud.evidence):
        return None
    row, *column = cloud.place[point - cloud.first].tolist()
    return Chosen(step, None, (row, column[0])) if column else Chosen(step, row)
