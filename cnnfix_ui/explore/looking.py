"""Where would you look? Places that a visitor taps before the map is shown, or a table of gaze, against the maps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Explanation, Picture
from cnnfix_core.gaze import Gaze, GazeError, look_map, looks, read_gaze, together
from cnnfix_core.regions import MAP_SIDE
from cnnfix_ui.address import Setting
from cnnfix_ui.components.taps.component import Pixel, TapQuestion, Taps, ask_taps
from cnnfix_ui.errors import escaped
from cnnfix_ui.explore.revealed import measured, reveal
from cnnfix_ui.widgets.places import parse_pixels, pixels_text
from cnnfix_ui.widgets.uploads import OWN, Upload

MOST = 5  # places
_MOST_BYTES = 2_000_000  # of a table: some 60,000 points, read in about three seconds
ASKED = "ask"
_DATA = Upload(
    "gaze",
    "CSV with the columns x and y, in pixels or shares of the picture; also weight, observer and picture",
    lambda files: _read(files[0][1]),
)
_SHOWN = 5  # complaints

# ASKED, OWN for uploaded data, the places that were tapped, or None where the answer is shown.
Look = str | tuple[Pixel, ...] | None


def _read(content: bytes) -> Gaze:
    if len(content) > _MOST_BYTES:
        raise GazeError(
            f"The table is larger than {_MOST_BYTES / 1e6:g} MB: leave out other pictures, or use cnnfix gaze."
        )
    return read_gaze(content)


def _parsed(text: str) -> Look:
    """What the address says. Raises ValueError for what cannot be."""
    if text == ASKED or (text == OWN and _DATA.value):
        return text
    return parse_pixels(text, MOST)


def _written(look: Look) -> str:
    return look if isinstance(look, str) else pixels_text(look or ())


LOOK = Setting(None, _parsed, _written)


def again() -> None:
    """For another picture, ask again; a table may have points on it too."""
    if isinstance(st.session_state["look"], tuple):
        _set(ASKED)


def offer() -> None:
    """Draw the button that hides the answer and asks."""
    st.button("Where would you look?", icon=":material/touch_app:", on_click=_set, args=(ASKED,))


def asked() -> bool:
    """Whether the visitor is asked, or sees what came of it, instead of the answer."""
    return st.session_state["look"] is not None


def section(picture: Picture, name: str, explanation: Explanation, maps: Mapping[str, NDArray[np.floating]]) -> None:
    """Ask where the visitor would look, or lay the places beside the maps.

    Args:
        picture: the picture.
        name: of the picture in the gallery.
        explanation: of the picture.
        maps: of the network by their titles, the fixations' first.
    """
    look: Look = st.session_state["look"]
    st.subheader("Where would you look?", anchor=False)
    shown = isinstance(look, tuple) and all(x < picture.width and y < picture.height for x, y in look)
    if isinstance(look, tuple) and shown:
        found = measured([looks(look, (picture.width, picture.height))], maps, explanation.fixations.sigma)
        reveal(picture, maps, found, found[0].sentence, Taps(look))
    elif look == OWN:
        _lay_data(picture, name, explanation, maps)
    else:
        _ask(picture, explanation)
    with st.container(horizontal=True, gap="medium"):
        if shown or look == OWN:
            st.button("Again", icon=":material/replay:", on_click=_set, args=(ASKED,))
        st.button("Back to the answer", icon=":material/arrow_back:", on_click=_set, args=(None,))


def _set(look: Look) -> None:
    st.session_state["look"] = look


def _ask(picture: Picture, explanation: Explanation) -> None:
    label, other = explanation.target.label, explanation.rather_than
    if other is None and explanation.target == explanation.predictions[0]:
        text = f"It says “{label}”. Tap up to {MOST} places that you think made it say so."
    else:
        text = f"Tap up to {MOST} places that you think speak for “{label}”"
        text += f" rather than “{other.label}”." if other else "."
    st.markdown(escaped(text))
    question = TapQuestion("Picture to tap.", "Reveal", limit=MOST)
    ask_taps(picture, question, key="look.taps", on_send=lambda taps: _set(taps.points))
    with st.expander("Or measure a table of gaze or clicks", icon=":material/table:"):
        _DATA.draw(lambda: _set(OWN))
    _DATA.show_error()


def _lay_data(picture: Picture, name: str, explanation: Explanation, maps: Mapping[str, NDArray[np.floating]]) -> None:
    """Lay an uploaded table beside the maps."""
    gaze = _DATA.value
    if gaze is None:  # a link of another visit
        return
    points = gaze.on(name) if gaze.pictures else gaze
    if name == OWN and len(gaze.pictures) == 1:
        points = gaze
    observers, outside = points.observers((picture.width, picture.height))
    if observers:
        found = measured(observers, maps, explanation.fixations.sigma)
        who = "the observers" if len(observers) > 1 else "the observer"
        seen = look_map(together(observers), explanation.fixations.sigma, MAP_SIDE)
        reveal(picture, {who[4:].capitalize(): seen, **maps}, found, found[0].told_of(who))
    else:
        st.error(escaped(_why_none(picture, name, gaze, points)), icon=":material/info:")
    complaints = [*gaze.complaints, *outside]
    if complaints:
        more = f" And {len(complaints) - _SHOWN:,} more." if len(complaints) > _SHOWN else ""
        st.caption(escaped(" ".join(complaints[:_SHOWN]) + more))


def _why_none(picture: Picture, name: str, gaze: Gaze, points: Gaze) -> str:
    """Why no point of a table is on the picture."""
    if points.points:
        return f"No point of the table lies in the picture, which has {picture.width} x {picture.height} pixels."
    if name == OWN:
        return "The table has points on several pictures: give one with the points on yours alone."
    return f"No point of the table is on {name}: it has points on {', '.join(gaze.pictures[:3])}."
