"""The controls above the grid: view, colour scale, pointer, and more rows."""

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
    """Draw the controls for view, colour scale and mouse."""
    st.segmented_control("View", list(state.VIEWS), format_func=state.VIEWS.__getitem__, required=True, key="view")
    st.selectbox(
        "Colour scale",
        list(state.SCALES),
        format_func=state.SCALES.__getitem__,
        key="scale",
        width=220,
        disabled=state.state("view") == "difference",
        help="Shares of each map: where 10, 25, 50, 75 and 90 % of it lie. Multiples of the average: the same "
        "brightness means the same in all cells. Own maximum: brightness cannot be compared between cells.",
    )
    st.session_state.setdefault(TOOL, "look")
    st.segmented_control("Mouse", list(state.TOOLS), format_func=state.TOOLS.__getitem__, required=True, key=TOOL)


def choose_more(longest_side: int) -> WalkSettings:
    """Draw the controls behind "More". longest_side: of the picture."""
    with controls.more():
        focus = controls.choose_focus()
        crops = controls.choose_views()
        answer.choose_opacity()
        st.toggle("Show fixations as points", key="points")
        st.toggle(
            "Show cut-outs",
            key="cuts",
            help="The object that each map points at: the strongest part of the map, grown to edges of the picture.",
        )
        widest = max(longest_side // 4, 2)
        st.session_state.setdefault(BRUSH, max(longest_side // 20, 1))
        st.session_state[BRUSH] = min(st.session_state[BRUSH], widest)
        st.slider("Brush radius, in pixels", 1, widest, key=BRUSH)
    return WalkSettings("evidence", focus, crops)


def add_rows(labels: Labels, room: bool) -> None:
    """Draw the menu for another row. labels: those of the page's network. room: whether another row fits."""
    with controls.lowered("add"), st.popover("Add a row", icon=":material/add:", disabled=not room, key="compare.add"):
        classes = dict(enumerate(labels.short))
        _pick("Another class", "wanted", classes, _add("wanted"))
        _pick(
            "The correct class",
            "right",
            classes,
            _right,
            help="Adds a row for the correct class, and one for the predicted class rather than the correct one.",
        )
        _pick("Another network", "model", networks.askable(), _add("model"))
        _pick("Another picture", "picture", {name: gallery.title_of(name) for name in gallery.names()}, _add("picture"))
        changes = {name: change.title for name, change in CHANGES.items() if name != BRUSHED}
        _pick("The same with a change", "change", changes, _add("change"))


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
        placeholder="Choose",
        help=help,
    )


def _add(field: str) -> Callable[[Any], None]:
    return lambda value: state.add_row(Variation(field, value))


def _right(value: int) -> None:
    state.add_row(Variation("wanted", value))
    state.add_row(Variation("than", value))
