"""A sheet to draw on, in the browser: see sheet.js."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from cnnfix_core.modalities.sketches import PEN, Stroke
from cnnfix_ui.components.assets import script

HERE = Path(__file__).parent / "web"

# Text only ever travels as data, never inside these strings, so that no label can become markup.
_component = st.components.v2.component(
    "cnnfix_sheet",
    html='<div class="sheet"></div>',
    css=(HERE / "sheet.css").read_text("utf-8"),
    js=script(HERE / "sheet.js"),
)


def sheet(
    name: str,
    strokes: Sequence[Stroke],
    shares: Sequence[float],
    photo: str,
    *,
    key: str,
    on_draw: Callable[[object], object],
) -> None:
    """Draw the sheet.

    Args:
        name: of the sheet; a new name starts again with these strokes.
        strokes: what is drawn on it.
        shares: each stroke's share of the evidence on ink; empty if unknown.
        photo: a picture under the strokes, as a data URI, or "".
        key: of the component.
        on_draw: called with all strokes after each change. They come from the browser and must be treated as untrusted.
    """
    answered = f"{key}.answered"

    def drawn() -> None:
        sent: Any = st.session_state[key].drawn
        if isinstance(sent, dict) and sent.get("sheet") == name and isinstance(sent.get("id"), int):
            st.session_state[answered] = sent["id"]
            on_draw(sent.get("strokes"))

    data = {
        "sheet": name,
        "id": st.session_state.get(answered, 0),
        "strokes": strokes,
        "shares": list(shares),
        "photo": photo,
        "pen": PEN,
        "label": "Sheet to draw on. Arrow keys move the pen, Space puts it down and lifts it, Backspace undoes.",
    }
    _component(key=key, data=data, on_drawn_change=drawn)
