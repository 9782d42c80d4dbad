"""What lies on the sheet: a sample, what the visitor drew, or a drawing that was sent."""

from __future__ import annotations

import streamlit as st

from cnnfix_core import Picture, open_picture
from cnnfix_core.engine import FOCUS
from cnnfix_core.modalities.sketches import SketchError, Stroke, sheet_of, sketch_samples, strokes_of
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.widgets import answer, controls, networks
from cnnfix_ui.widgets.uploads import OWN, Upload

EMPTY = "empty"
DRAWING_UPLOAD = Upload("sketch", "A drawing of yours", lambda files: sheet_of(open_picture(files[0][1])))
_STROKES, _NUMBER = "sketch.strokes", "sketch.number"


def parse_sheet(name: str) -> str:
    """The name of a sheet from the address. Raises ValueError for one that is not there."""
    return DRAWING_UPLOAD.parse_name(name, {EMPTY, *(one.name for one in sketch_samples())})


SETTINGS = {
    "sheet": Setting("cat", parse_sheet),
    "class": Setting(None, controls.parse_class),
    "than": Setting(None, controls.parse_class),
    "focus": one_of(*FOCUS, default="balanced"),
    "show": one_of(*answer.SHOWN, default="both"),
    "opacity": Setting(75, answer.parse_opacity),
}


def choose(name: str) -> None:
    """Another sheet."""
    st.session_state["sheet"] = name
    st.session_state.pop(_STROKES, None)
    st.session_state[_NUMBER] = number() + 1
    networks.reset_classes()


def number() -> int:
    """How often another sheet was chosen."""
    found: int = st.session_state.get(_NUMBER, 0)
    return found


def strokes() -> tuple[Stroke, ...]:
    """What is drawn on the sheet."""
    samples = {one.name: one.strokes for one in sketch_samples()}
    found: tuple[Stroke, ...] = st.session_state.get(_STROKES, samples.get(st.session_state["sheet"], ()))
    return found


def draw(sent: object) -> None:
    """Take the strokes that a browser sends; what is none changes nothing but the message."""
    DRAWING_UPLOAD.set_error(None)
    try:
        st.session_state[_STROKES] = strokes_of(sent)
    except SketchError as error:
        DRAWING_UPLOAD.set_error(str(error))


def sent() -> Picture | None:
    """The drawing that was sent, where it is on the sheet."""
    return DRAWING_UPLOAD.value if st.session_state["sheet"] == OWN else None
