"""Where would you look? Places that a visitor taps before the map is shown, or a table of gaze, against the maps."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Explanation, Picture
from cnnfix_core.gaze import (
    BASELINE_TITLES,
    EVIDENCE_SHARE,
    GAZE_MEASURES,
    Agreed,
    Gaze,
    GazeNumbers,
    Looks,
    agreed,
    beside_baselines,
    look_map,
    looks,
    read_gaze,
    together,
)
from cnnfix_core.regions import BANDS
from cnnfix_core.utils import percent
from cnnfix_ui.address import Setting
from cnnfix_ui.components.panels.component import map_uri
from cnnfix_ui.components.taps.component import NOTHING, Overlay, Pixel, TapQuestion, Taps, ask_taps, show_taps
from cnnfix_ui.errors import escaped
from cnnfix_ui.server.turns import turns
from cnnfix_ui.widgets.uploads import OWN, Upload

MOST = 5  # places
ASKED = "ask"
_DATA = Upload(
    "gaze",
    "CSV with the columns x and y, in pixels or shares of the picture; also weight, observer and picture",
    lambda files: read_gaze(files[0][1]),
)
_SHOWN = 5  # complaints
_BELOW = [measure for measure in GAZE_MEASURES if measure.field != "similarity"]  # it is told as agreement

# ASKED, OWN for uploaded data, the places that were tapped, or None where the answer is shown.
Look = str | tuple[Pixel, ...] | None


def _parsed(text: str) -> Look:
    """What the address says. Raises ValueError for what cannot be."""
    if text == ASKED or (text == OWN and _DATA.value):
        return text
    places = tuple((int(x), int(y)) for x, y in (place.split(",") for place in text.split("-")))
    if len(places) > MOST or any(min(place) < 0 for place in places):
        raise ValueError(text)
    return places


def _written(look: Look) -> str:
    return look if isinstance(look, str) else "-".join(f"{x},{y}" for x, y in look or ())


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
        found = _measured([looks(look, (picture.width, picture.height))], maps)
        _reveal(picture, maps, found, found[0].sentence, Taps(look))
    elif look == OWN:
        _lay_data(picture, name, maps)
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


def _lay_data(picture: Picture, name: str, maps: Mapping[str, NDArray[np.floating]]) -> None:
    """Lay an uploaded table beside the maps."""
    gaze = _DATA.value
    if gaze is None:  # a link of another visit
        return
    points = gaze.on(name) if gaze.pictures else gaze
    if name == OWN and len(gaze.pictures) == 1:
        points = gaze
    observers, outside = points.observers((picture.width, picture.height))
    if observers:
        found = _measured(observers, maps)
        who = "the observers" if len(observers) > 1 else "the observer"
        people = {who[4:].capitalize(): look_map(together(observers), longest_side=max(_shape(maps)))}
        _reveal(picture, {**people, **maps}, found, found[0].told_of(who))
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


def _reveal(
    picture: Picture,
    maps: Mapping[str, NDArray[np.floating]],
    found: tuple[Agreed, dict[str, GazeNumbers]],
    sentence: str,
    marked: Taps = NOTHING,
) -> None:
    st.markdown(escaped(sentence))
    for column, (title, map_) in zip(st.columns(len(maps), gap="medium"), maps.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            label = f"{title}, with the places that you tapped" if marked else title
            show_taps(
                picture, marked, label=label, key=f"look.{title}", overlays=[Overlay(title, map_uri(picture, map_))]
            )
    st.table(_rows(found[1]), hide_index=True, border="horizontal")
    st.caption(_about(found[0], bool(marked)))


def _rows(numbers: Mapping[str, GazeNumbers]) -> list[dict[str, str]]:
    """One row per measure, one column per map; the agreement first."""
    titles = {name: BASELINE_TITLES.get(name, name) for name in numbers}
    agree = {titles[name]: _figure(100 * one.similarity, 0) for name, one in numbers.items()}
    rows = [{"": "Agreement, of 100"} | agree]
    for measure in _BELOW:
        values = {titles[name]: _figure(getattr(one, measure.field), measure.digits) for name, one in numbers.items()}
        rows.append({"": measure.title} | values)
    return rows


def _figure(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}".replace("-", "−")


def _about(found: Agreed, own: bool) -> str:
    """What the colours, the sentence and the numbers mean, as Markdown."""
    lines = [
        "Agreeing is not being right: people and networks may look at different places for good reasons. "
        f"Colours: the smallest areas that hold {', '.join(percent(share) for share in BANDS[:-1])} and "
        f"{percent(BANDS[-1])} of each map."
    ]
    if own:
        lines[0] += (
            f" “On its evidence” is inside that of {percent(EVIDENCE_SHARE)} on the fixations; it covers "
            f"{percent(found.covered)} of the picture, so that is how often a tap anywhere would hit it."
        )
    lines.append("- Agreement: what the map and the map of the places share.")
    return "\n".join([*lines, *(f"- {measure.title}: {measure.about}." for measure in _BELOW)])


def _shape(maps: Mapping[str, NDArray[np.floating]]) -> tuple[int, ...]:
    return next(iter(maps.values())).shape


def _measured(
    observers: Sequence[Looks], maps: Mapping[str, NDArray[np.floating]]
) -> tuple[Agreed, dict[str, GazeNumbers]]:
    """How the observers agree with the first map, and the numbers of all maps and baselines."""
    return _computed(_digest(observers, maps), observers, maps)


@st.cache_data(max_entries=64, show_spinner="Measuring …")
def _computed(
    digest: str, _observers: Sequence[Looks], _maps: Mapping[str, NDArray[np.floating]]
) -> tuple[Agreed, dict[str, GazeNumbers]]:
    with turns.acquired():
        return agreed(_observers, next(iter(_maps.values()))), beside_baselines(_maps, _observers)


def _digest(observers: Sequence[Looks], maps: Mapping[str, NDArray[np.floating]]) -> str:
    """What identifies the points and the maps: a quick hash of all their bytes."""
    parts = [part for one in observers for part in (one.xy, one.weights)] + list(maps.values())
    digest = hashlib.blake2b(repr([len(one) for one in observers]).encode())
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
