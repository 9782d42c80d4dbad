"""Where would you look? Places that a visitor taps before the map is shown, or a table of gaze, against the maps."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Explanation, Picture
from cnnfix_core.gaze import Gaze, GazeError, look_map, looks, read_gaze, together
from cnnfix_core.regions import MAP_SIDE
from cnnfix_ui.components.taps.component import NOTHING, TapQuestion, Taps, ask_taps
from cnnfix_ui.errors import escaped
from cnnfix_ui.explore.question import Question, Subject, answer
from cnnfix_ui.explore.revealed import measured, reveal
from cnnfix_ui.widgets.answer import maps as answer_maps
from cnnfix_ui.widgets.places import parse_taps, taps_text
from cnnfix_ui.widgets.uploads import OWN, Upload

_MOST = 5  # places
_MOST_BYTES = 2_000_000  # of a table: some 60,000 points, read in about three seconds
_ASKED = "ask"  # in addresses of earlier versions
_DATA = Upload(
    "gaze",
    "CSV with the columns x and y, in pixels or shares of the picture; also weight, observer and picture",
    lambda files: _read(files[0][1]),
)
_SHOWN = 5  # complaints

# OWN for uploaded data, or the places that were tapped.
Look = str | Taps


def _read(content: bytes) -> Gaze:
    if len(content) > _MOST_BYTES:
        raise GazeError(
            f"The table is larger than {_MOST_BYTES / 1e6:g} MB: leave out other pictures, or use cnnfix gaze."
        )
    return read_gaze(content)


def _parsed(text: str) -> Look:
    """What the address says. Raises ValueError for what cannot be."""
    if text == _ASKED:
        return NOTHING
    return OWN if text == OWN and _DATA.value else parse_taps(text, _MOST)


def _written(look: Look) -> str:
    return look if isinstance(look, str) else taps_text(look)


def _draw(subject: Subject, look: Look) -> None:
    """Ask where the visitor would look, or lay the places beside the maps."""
    picture, explanation = subject.picture, subject.explanation
    maps = answer_maps(explanation, subject.gradcam)
    if isinstance(look, str):
        _lay_data(picture, subject.name, explanation, maps)
    elif look:
        found = measured([looks(look.points, (picture.width, picture.height))], maps, explanation.fixations.sigma)
        reveal(picture, maps, found, found[0].sentence, look)
    else:
        _ask(picture, explanation)


def _ask(picture: Picture, explanation: Explanation) -> None:
    label, other = explanation.target.label, explanation.rather_than
    if other is None and explanation.target == explanation.predictions[0]:
        text = f"It says “{label}”. Tap up to {_MOST} places that you think made it say so."
    else:
        text = f"Tap up to {_MOST} places that you think speak for “{label}”"
        text += f" rather than “{other.label}”." if other else "."
    st.markdown(escaped(text))
    question = TapQuestion("Picture to tap.", "Reveal", limit=_MOST)
    ask_taps(picture, question, key="look.taps", on_send=answer)
    with st.expander("Or measure a table of gaze or clicks", icon=":material/table:"):
        _DATA.draw(lambda: answer(OWN))
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


QUESTION = Question(
    "look",
    "Where would you look?",
    ":material/touch_app:",
    _draw,
    first=NOTHING,
    parse=_parsed,
    text=_written,
    again="Again",
    any_part=True,
)
