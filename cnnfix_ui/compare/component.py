"""The grid of maps in the browser: see the scripts beside this file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from cnnfix_ui.components.assets import script, sheets

HERE = Path(__file__).parent / "web"
LastAct = tuple[str, int]
_MAX_ACTS = 20  # at once: as many as talk.js keeps
SHEETS = ("grid.css", "cell.css", "marks.css", "menu.css")


# Text only ever travels as data, never inside these strings, so that no label can become markup.
_component = st.components.v2.component(
    "cnnfix_compare", html='<div class="compare"></div>', css=sheets(HERE, *SHEETS), js=script(HERE / "main.js")
)


def grid(data: dict[str, Any], *, key: str, on_act: Callable[[dict[str, Any]], object]) -> None:
    """Draw the grid.

    Args:
        data: photographs, columns, rows, cells and settings, as grid_data.py makes them.
        key: of the component in this session.
        on_act: called with each thing that a person did, once and in order, before the script runs again. It comes
            from a browser: believe nothing.
    """
    name = f"{key}.heard"

    def acted() -> None:
        heard, acts = new_acts(st.session_state[key].act, st.session_state.get(name))
        st.session_state[name] = heard
        for act in acts:
            on_act(act)

    _component(key=key, data={**data, "heard": st.session_state.get(name)}, on_act_change=acted)


def new_acts(sent: object, heard: LastAct | None) -> tuple[LastAct | None, list[dict[str, Any]]]:
    """What to do of what a browser sent.

    A trigger that comes while another one waits replaces it, so the browser sends all acts of which it has not been
    told that they were heard.

    Args:
        sent: {"who": which mounting of the component, "acts": [[number, act], ...]}, or anything else.
        heard: who was heard last, and up to which number.

    Returns:
        Who is heard now and up to which number, and the acts that are new.
    """
    match sent:
        case {"who": str(who), "acts": list(acts)} if len(who) <= 40:
            last = heard[1] if heard and heard[0] == who else 0
        case _:
            return heard, []
    found = []
    for item in acts[:_MAX_ACTS]:
        match item:
            case [int(number), dict(act)] if number > last:
                found.append(act)
                last = number
    return (who, last), found
