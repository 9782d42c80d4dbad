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
        on_act: called once for each action of a person, in order, before the script runs again. Actions come from
            the browser and must be treated as untrusted.
    """
    name = f"{key}.heard"

    def acted() -> None:
        heard, acts = new_acts(st.session_state[key].act, st.session_state.get(name))
        st.session_state[name] = heard
        for act in acts:
            on_act(act)

    _component(key=key, data={**data, "heard": st.session_state.get(name)}, on_act_change=acted)


def new_acts(sent: object, heard: LastAct | None) -> tuple[LastAct | None, list[dict[str, Any]]]:
    """The actions sent by the browser that are new.

    A trigger replaces one that is still waiting, so the browser resends all actions that were not acknowledged yet.

    Args:
        sent: {"who": which mounting of the component, "acts": [[number, act], ...]}, or anything else.
        heard: the mounting that was heard last, and the number of its last action.

    Returns:
        The mounting and the number of its last action now, and the new actions.
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
