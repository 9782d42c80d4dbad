"""The content of the sheet: a sample, the visitor's strokes, or an uploaded drawing."""

from __future__ import annotations

import streamlit as st

from cnnfix_core import Picture, open_picture
from cnnfix_core.engine import FOCUS
from cnnfix_core.modalities.sketches import SketchError, Stroke, sheet_of, sketch_samples, strokes_of
from cnnfix_ui import errors
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.widgets import answer, controls, depths, networks
from cnnfix_ui.widgets.uploads import OWN, Upload

EMPTY = "empty"
DRAWING_UPLOAD = Upload("sketch", "Your own drawing", lambda files: sheet_of(open_picture(files[0][1])))
# By the sheet that they are on: Back and Forward lead to another sheet without choosing it.
_STROKES, _NUMBER = "sketch.strokes", "sketch.number"


def parse_sheet(name: str) -> str:
    """The name of a sheet from the address. Raises ValueError for unknown names."""
    return DRAWING_UPLOAD.parse_name(name, {EMPTY, *(one.name for one in sketch_samples())})


SETTINGS = {
    "sheet": Setting("cat", parse_sheet),
    "class": Setting(None, controls.parse_class),
    "than": Setting(None, controls.parse_class),
    "focus": one_of(*FOCUS, default="balanced"),
    "show": one_of(*answer.SHOWN, default="both"),
    "depth": depths.DEPTH,
    "opacity": Setting(75, answer.parse_opacity),
}


def choose(name: str) -> None:
    """Choose another sheet."""
    st.session_state["sheet"] = name
    _drawn().pop(name, None)
    st.session_state[_NUMBER] = number() + 1
    networks.reset_classes()


def number() -> int:
    """How often another sheet was chosen; makes its name unique."""
    found: int = st.session_state.get(_NUMBER, 0)
    return found


def strokes() -> tuple[Stroke, ...]:
    """The strokes on the sheet."""
    samples = {one.name: one.strokes for one in sketch_samples()}
    sheet = st.session_state["sheet"]
    return _drawn().get(sheet, samples.get(sheet, ()))


def draw(sent: object) -> None:
    """Use the strokes that the browser sent; invalid ones change nothing but the message."""
    errors.refuse(DRAWING_UPLOAD.key, "")
    try:
        _drawn()[st.session_state["sheet"]] = strokes_of(sent)
    except SketchError as error:
        errors.refuse(DRAWING_UPLOAD.key, str(error))


def _drawn() -> dict[str, tuple[Stroke, ...]]:
    kept: dict[str, tuple[Stroke, ...]] = st.session_state.setdefault(_STROKES, {})
    return kept


def sent() -> Picture | None:
    """The uploaded drawing, if it is on the sheet."""
    return DRAWING_UPLOAD.value if st.session_state["sheet"] == OWN else None
