"""The controls above the grid: how it is seen, what the pointer does, and what is asked in further rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from cnnfix_core import Labels
from cnnfix_ui.compare import state
from cnnfix_ui.compare.changes import BRUSHED, CHANGES
from cnnfix_ui.compare.questions import Variation
from cnnfix_ui.widgets import answer, controls, gallery, networks
from cnnfix_ui.widgets.controls import WalkSettings

TOOL, BRUSH = "compare.tool", "compare.brush"


def choose_seen() -> None:
    """Draw how the maps are seen, and what the pointer does."""
    st.segmented_control("View", list(state.VIEWS), format_func=state.VIEWS.__getitem__, required=True, key="view")
    st.selectbox(
        "One scale",
        list(state.SCALES),
        format_func=state.SCALES.__getitem__,
        key="scale",
        width=220,
        disabled=state.state("view") == "difference",
        help="Smallest areas: those that hold 10, 25, 50, 75 and 90 % of each map. Multiples of the average: one "
        "brightness means the same in all cells. Each by its own maximum: brightness cannot be compared.",
    )
    st.session_state.setdefault(TOOL, "look")
    st.segmented_control("Pointer", list(state.TOOLS), format_func=state.TOOLS.__getitem__, required=True, key=TOOL)


def choose_more(longest_side: int) -> WalkSettings:
    """Draw what is behind "More". longest_side: of the picture."""
    with controls.more():
        focus = controls.choose_focus()
        crops = controls.choose_views()
        answer.choose_opacity()
        st.toggle("Fixations as points", key="points")
        widest = max(longest_side // 4, 2)
        st.session_state.setdefault(BRUSH, max(longest_side // 20, 1))
        st.session_state[BRUSH] = min(st.session_state[BRUSH], widest)
        st.slider("Brush: pixels from its middle", 1, widest, key=BRUSH)
    return WalkSettings("evidence", focus, crops)


def add_rows(labels: Labels, room: bool) -> None:
    """Draw the menu of further questions. labels: classes of the page's network. room: whether there is any."""
    with controls.lowered("add"), st.popover("Add a row", icon=":material/add:", disabled=not room, key="compare.add"):
        classes = dict(enumerate(labels.short))
        _pick("Another class", "wanted", classes, _add("wanted"))
        _pick(
            "The right answer is …",
            "right",
            classes,
            _right,
            help="Adds the maps of the right class, and of what speaks for the given one rather than for it.",
        )
        _pick("Another network", "model", networks.askable(), _add("model"))
        _pick("Another picture", "picture", {name: gallery.title_of(name) for name in gallery.names()}, _add("picture"))
        changes = {name: change.title for name, change in CHANGES.items() if name != BRUSHED}
        _pick("The same after a change", "change", changes, _add("change"))


def _pick(
    label: str, name: str, options: Mapping[Any, str], chosen: Callable[[Any], object], help: str | None = None
) -> None:
    key = f"compare.add.{name}"

    def take() -> None:
        value = st.session_state[key]
        st.session_state[key] = None
        if value is not None:
            chosen(value)

    st.selectbox(
        label,
        list(options),
        index=None,
        format_func=options.__getitem__,
        key=key,
        on_change=take,
        placeholder="choose",
        help=help,
    )


def _add(field: str) -> Callable[[Any], None]:
    return lambda value: state.add_row(Variation(field, value))


def _right(value: int) -> None:
    state.add_row(Variation("wanted", value))
    state.add_row(Variation("than", value))
