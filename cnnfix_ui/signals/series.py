"""The Signals page for a time series."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from PIL import Image, ImageDraw
from plotly.subplots import make_subplots

from cnnfix_core import Preset, get_preset
from cnnfix_core.arrays import Floats
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import question
from cnnfix_core.modalities.timeseries import (
    UNKNOWN,
    SeriesTable,
    SignalExplanation,
    SignalModel,
    explain_signal,
    load_signal_model,
    signal_csv,
    signal_json,
    signal_words,
)
from cnnfix_core.modalities.timeseries.shipped import signal_samples
from cnnfix_core.utils import percent
from cnnfix_core.visualization import POINT, POINT_EDGE
from cnnfix_ui.components.choices.component import Choice
from cnnfix_ui.components.images import image_uri
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.server.turns import turns
from cnnfix_ui.signals import state
from cnnfix_ui.widgets import controls, networks, presenting
from cnnfix_ui.widgets.downloads import downloads
from cnnfix_ui.widgets.order import first
from cnnfix_ui.widgets.strip import choose_from_strip
from cnnfix_ui.widgets.uploads import OWN

_CAM, _LINE = "#E69F00", "#8A9199"  # visible on white and on black


def show() -> None:
    """Draw the strip of series, the predictions for the chosen one, and when its evidence occurs."""
    series = _choose_series()
    said, seen = st.columns([1, 2.6], gap="large")
    with seen:
        preset = get_preset("evidence", controls.choose_focus())
        place = first("answer")
    explanation = None
    with place:
        try:
            networks.fit_classes(len(_model().labels))
            explanation = controls.ask(lambda target: _explained(series, target, preset))
        except CnnfixError as error:
            st.error(escaped(str(error)), icon=":material/info:")
        else:
            st.header(question(explanation.target, explanation.rather_than), anchor=False)
            _draw(explanation)
    with said:
        controls.choose_classes(explanation, _model().labels)
        st.caption(
            "It learnt from ten people's smartwatches: the acceleration along one axis, for six seconds, during four "
            "shoulder exercises."
        )


def _choose_series() -> Floats:
    table: SeriesTable | None = state.SERIES_UPLOAD.value
    series = table.series if table else ()
    tiles = [Choice(OWN, "Your series", "", _tile(series[0]))] if series else []
    for one in signal_samples():
        tiles.append(Choice(one.name, one.name.replace("-", " ").capitalize(), "", _tile(one.series)))
    choose_from_strip(tiles, state.SERIES_UPLOAD, st.session_state["series"], state.choose_series, "Series")
    if st.session_state["series"] != OWN or not series:
        return next(one.series for one in signal_samples() if one.name == st.session_state["series"])
    if table and table.notes:
        st.caption(escaped(" ".join(table.notes)))
    st.session_state["row"] = min(st.session_state["row"], len(series))
    if len(series) > 1:
        st.number_input(f"Series number, of {len(series)} in the file", 1, len(series), key="row", width=260)
    row: int = st.session_state["row"]
    return series[row - 1]


@st.cache_resource
def _model() -> SignalModel:
    return load_signal_model()


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs=results.KEYS)
def _explained(series: Floats, target: results.Target, preset: Preset) -> SignalExplanation:
    model = _model()
    with turns.acquired():
        return explain_signal(model, series, target, preset)


@st.cache_data(max_entries=64, show_spinner=False)
def _tile(series: Floats) -> str:
    """A small picture of the series."""
    width, height, margin = 480, 360, 40
    image = Image.new("RGB", (width, height), "white")
    low, span = series.min(), np.ptp(series) or 1.0
    x = np.linspace(margin, width - margin, len(series))
    y = height - margin - (series - low) / span * (height - 2 * margin)
    ImageDraw.Draw(image).line(list(zip(x.tolist(), y.tolist(), strict=True)), "#1B2127", 7, joint="curve")
    return image_uri(image.resize((width // 2, height // 2), Image.Resampling.LANCZOS))


def _draw(found: SignalExplanation) -> None:
    text = signal_words(found)
    if not found.known:
        st.warning(UNKNOWN, icon=":material/warning:")
    st.plotly_chart(_figure(found), key="series.chart", alt=text)
    st.markdown(escaped(text.removeprefix(UNKNOWN).strip()))
    name = f"fixations-{found.target.label.replace(' ', '-')}"
    downloads(
        {
            f"{name}.csv": ("CSV", lambda: signal_csv(found)),
            f"{name}.json": ("JSON", lambda: signal_json(found)),
        }
    )


def _figure(found: SignalExplanation) -> go.Figure:
    """The series with its fixations; below it, on the same time axis, their density and the CAM."""
    number = np.arange(1, len(found.series) + 1)
    there = found.evidence > 0
    maps = [("CNN Fixations", found.density(), POINT)]
    if found.cam is not None:
        maps.append(("Class activation map", found.cam / (found.cam.sum() or 1), _CAM))
    rows = 1 + len(maps)
    figure = make_subplots(
        rows,
        1,
        shared_xaxes=True,
        vertical_spacing=0.09,
        row_heights=[0.5, *[0.5 / len(maps)] * len(maps)],
        subplot_titles=["Series and fixations: bigger dot, more evidence", *(title for title, _, _ in maps)],
    )
    line = {"color": _LINE, "width": 2}
    figure.add_scatter(x=number, y=found.series, mode="lines", line=line, row=1, col=1, name="value")
    figure.add_scatter(
        x=number[there],
        y=found.series[there],
        customdata=_percentages(found.evidence[there] / (found.evidence.sum() or 1)),
        mode="markers",
        marker={
            "color": POINT,
            "line": {"color": POINT_EDGE, "width": 1},
            "size": 3 + 15 * np.sqrt(found.evidence[there] / (found.evidence.max() or 1)),
            "opacity": 0.8,
        },
        hovertemplate="%{customdata} of the evidence<extra></extra>",
        row=1,
        col=1,
    )
    for row, (title, values, colour) in enumerate(maps, 2):
        figure.add_scatter(
            x=number,
            y=100 * values,
            customdata=_percentages(values),
            fill="tozeroy",
            mode="lines",
            line={"color": colour, "width": 1.5},
            hovertemplate=f"{title}: %{{customdata}}<extra></extra>",
            row=row,
            col=1,
        )
        figure.update_yaxes(ticksuffix=" %", nticks=4, rangemode="tozero", row=row, col=1)
    figure.update_xaxes(title_text="Time step", row=rows, col=1)
    figure.update_annotations(x=0, xanchor="left", font_size=18 if presenting.is_on() else 14)
    figure.update_layout(
        height=520, showlegend=False, hovermode="x unified", margin={"l": 10, "r": 10, "t": 30, "b": 10}
    )
    return figure


def _percentages(shares: Floats) -> list[str]:
    return [percent(share) for share in shares.tolist()]
