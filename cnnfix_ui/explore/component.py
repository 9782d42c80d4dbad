"""A picture to point at, in the browser: see pointing.js."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from cnnfix_core import Picture
from cnnfix_ui.components.assets import script
from cnnfix_ui.components.panels.component import photo_uri

HERE = Path(__file__).parent / "web"
LABEL = "Picture to point at. Arrow keys move the mark, Enter chooses the pixel under it."

# Text only ever travels as data, never inside these strings, so that no label can become markup.
_component = st.components.v2.component(
    "cnnfix_pointing",
    html='<div class="pointing"></div>',
    css=(HERE / "pointing.css").read_text("utf-8"),
    js=script(HERE / "pointing.js"),
)
_NOTHING: dict[str, Any] = {"layer": "", "classes": None, "names": [], "legend": [], "boxes": [], "chosen": None}


def pointing(
    picture: Picture, shown: Mapping[str, Any], *, key: str, on_pick: Callable[[dict[str, int]], object]
) -> None:
    """Draw the picture.

    Args:
        picture: the picture.
        shown: what is drawn on it, see pointing.js.
        key: of the component.
        on_pick: called with x and y in pixels of the picture, or with the number of a box. They are not negative, but
            come from the browser and may be too large.
    """

    def picked() -> None:
        sent: Any = st.session_state[key].picked
        if isinstance(sent, dict) and all(type(value) is int and value >= 0 for value in sent.values()):
            on_pick(sent)

    data = {"photo": photo_uri(picture), "width": picture.width, "height": picture.height, "label": LABEL}
    _component(key=key, data=_NOTHING | data | dict(shown), on_picked_change=picked)
