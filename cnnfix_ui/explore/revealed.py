"""Where people looked, laid beside the maps of a network: pictures, one sentence, and numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Picture
from cnnfix_core.gaze import (
    BASELINE_TITLES,
    EVIDENCE_SHARE,
    GAZE_MEASURES,
    Agreed,
    GazeNumbers,
    Looks,
    agreed,
    beside_baselines,
)
from cnnfix_core.regions import BANDS
from cnnfix_core.utils import decimals, percent
from cnnfix_ui.components.panels.component import map_uri
from cnnfix_ui.components.taps.component import NOTHING, Overlay, Taps, show_taps
from cnnfix_ui.errors import escaped
from cnnfix_ui.server.turns import turns

_BELOW = [measure for measure in GAZE_MEASURES if measure.field != "similarity"]  # it is told as agreement
Measured = tuple[Agreed, dict[str, GazeNumbers]]
Sigma = tuple[float, float]


def reveal(
    picture: Picture,
    maps: Mapping[str, NDArray[np.floating]],
    found: Measured,
    sentence: str,
    marked: Taps = NOTHING,
) -> None:
    """Draw the maps side by side, the sentence, and the numbers.

    Args:
        picture: the picture.
        maps: by their titles.
        found: what was `measured`.
        sentence: says how far people and network agree.
        marked: places that the visitor tapped, drawn on each map.
    """
    for column, (title, map_) in zip(st.columns(len(maps), gap="medium"), maps.items(), strict=True):
        with column:
            st.markdown(f"**{title}**")
            label = f"{title}, with the places that you tapped" if marked else title
            show_taps(
                picture, marked, label=label, key=f"look.{title}", overlays=[Overlay(title, map_uri(picture, map_))]
            )
    st.markdown(escaped(sentence))
    st.table(_rows(found[1]), hide_index=True, border="horizontal")
    st.caption(_about(found[0], bool(marked)))


def _rows(numbers: Mapping[str, GazeNumbers]) -> list[dict[str, str]]:
    """One row per measure, one column per map; the agreement first."""
    titles = {name: BASELINE_TITLES.get(name, name) for name in numbers}
    agree = {titles[name]: decimals(100 * one.similarity, 0) for name, one in numbers.items()}
    rows = [{"Measure": "Agreement, of 100"} | agree]
    for measure in _BELOW:
        values = {titles[name]: decimals(getattr(one, measure.field), measure.digits) for name, one in numbers.items()}
        rows.append({"Measure": measure.title} | values)
    return rows


def _about(found: Agreed, own: bool) -> str:
    """What the colours, the sentence and the numbers mean, as Markdown."""
    lines = [
        "Agreeing is not being right: people and networks may look at different places for good reasons. "
        f"The colours say where {', '.join(percent(share) for share in BANDS[:-1])} and "
        f"{percent(BANDS[-1])} of each map lie."
    ]
    if own:
        lines[0] += (
            f" “On its evidence” is where {percent(EVIDENCE_SHARE)} of the fixations' map lie; this covers "
            f"{percent(found.covered)} of the picture, so that is how often a tap anywhere would hit it."
        )
    lines.append("- Agreement: what the map and the map of the places share.")
    return "\n".join([*lines, *(f"- {measure.title}: {measure.about}." for measure in _BELOW)])


def measured(observers: Sequence[Looks], maps: Mapping[str, NDArray[np.floating]], sigma: Sigma) -> Measured:
    """How the observers agree with the first map, and the numbers of all maps and baselines; sigma: as `look_map`."""
    return _computed(_digest(observers, maps), sigma, observers, maps)


@st.cache_data(max_entries=64, show_spinner="Measuring …")
def _computed(
    digest: str, sigma: Sigma, _observers: Sequence[Looks], _maps: Mapping[str, NDArray[np.floating]]
) -> Measured:
    with turns.acquired():
        return agreed(_observers, next(iter(_maps.values())), sigma), beside_baselines(_maps, _observers, sigma)


def _digest(observers: Sequence[Looks], maps: Mapping[str, NDArray[np.floating]]) -> str:
    """What identifies the points and the maps: a quick hash of all their bytes."""
    parts = [part for one in observers for part in (one.xy, one.weights)] + list(maps.values())
    digest = hashlib.blake2b(repr([len(one) for one in observers]).encode())
    for part in parts:
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
