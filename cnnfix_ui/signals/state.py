"""Settings of the Signals page: time series or clip, which one, and which class."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from cnnfix_core.engine import FOCUS
from cnnfix_core.modalities.timeseries import MOST_SERIES, SeriesTable, read_series_table
from cnnfix_core.modalities.timeseries.shipped import signal_samples
from cnnfix_core.modalities.video import Clip, clip_models, clip_samples, read_clip
from cnnfix_ui.address import Setting, one_of
from cnnfix_ui.widgets import answer, controls, networks
from cnnfix_ui.widgets.uploads import Upload

SIGNAL_KINDS = {"series": "Time series", "clip": "Clip"}


def _all_series(files: Sequence[tuple[str, bytes]]) -> SeriesTable:
    return read_series_table(files[0][1])


def _clip(files: Sequence[tuple[str, bytes]]) -> Clip:
    return read_clip([content for _, content in files])


SERIES_UPLOAD: Upload[SeriesTable] = Upload("signals.table", "Your own series, as CSV", _all_series)
CLIP_UPLOAD: Upload[Clip] = Upload("signals.clip", "Your own clip, as GIF or as frames", _clip, several=True)


def parse_series(name: str) -> str:
    """The name of a series from the address. Raises ValueError for unknown names."""
    return SERIES_UPLOAD.parse_name(name, (one.name for one in signal_samples()))


def parse_clip(name: str) -> str:
    """The name of a clip from the address. Raises ValueError for unknown names."""
    return CLIP_UPLOAD.parse_name(name, (one.name for one in clip_samples()))


def parse_number(text: str) -> int:
    """The number of a series in a table or of a frame, from 1. Raises ValueError for anything else."""
    if not 1 <= int(text) <= MOST_SERIES:
        raise ValueError(text)
    return int(text)


SETTINGS = {
    "kind": one_of(*SIGNAL_KINDS, default="series"),
    "series": Setting("arm-raised-1", parse_series),
    "row": Setting(1, parse_number),
    "clip": Setting("moving-left", parse_clip),
    "network": one_of(*(info.name for info in clip_models()), default="motions"),
    "frame": Setting(None, parse_number),
    "class": Setting(None, controls.parse_class),
    "than": Setting(None, controls.parse_class),
    "focus": one_of(*FOCUS, default="balanced"),
    "show": one_of(*answer.SHOWN, default="both"),
    "opacity": Setting(75, answer.parse_opacity),
}


def choose_series(name: str) -> None:
    """Choose another series: the first of its table."""
    st.session_state["series"], st.session_state["row"] = name, 1
    networks.reset_classes()


def choose_clip(name: str) -> None:
    """Choose another clip."""
    st.session_state["clip"], st.session_state["frame"] = name, None
    networks.reset_classes()


def choose_frame(number: int) -> None:
    """Show another frame, counted from 1."""
    st.session_state["frame"] = number
