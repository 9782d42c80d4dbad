"""The parts of the Sketch page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from cnnfix_core import Explanation, Picture, get_preset
from cnnfix_core.explanations import question
from cnnfix_core.modalities.sketches import Stroke, on_ink, sketch, sketch_samples, stroke_shares
from cnnfix_core.utils import percent
from cnnfix_ui.components.choices.component import Choice
from cnnfix_ui.components.panels.component import photo_uri, thumbnail
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.sketch import component, state
from cnnfix_ui.widgets import answer, controls
from cnnfix_ui.widgets.strip import choose_from_strip
from cnnfix_ui.widgets.uploads import OWN

_KINDS = 8  # how many classes the invitation to draw names


@st.cache_resource(max_entries=256, show_spinner=False, hash_funcs=results.KEYS)
def picture_of(strokes: tuple[Stroke, ...], sheet: Picture | None = None) -> Picture:
    """The strokes as a picture, on an empty sheet or on an uploaded drawing."""
    return sketch(strokes, sheet)


def network() -> results.Network:
    """The network for sketches."""
    return results.Network("sketches", results.loaded("sketches"))


def choose_sheet() -> None:
    """Draw the strip of samples and the upload."""
    sent = state.DRAWING_UPLOAD.value
    tiles = [Choice(state.EMPTY, "Empty sheet", "Draw something", thumbnail(picture_of(()), lasting=True))]
    if sent is not None:
        tiles.append(Choice(OWN, "Your drawing", "", thumbnail(sent)))
    tiles += [
        Choice(one.name, one.kind.capitalize(), "", thumbnail(picture_of(one.strokes), lasting=True))
        for one in sketch_samples()
    ]
    note = "The network knows forty kinds of objects. Draw one, or start from a sample."
    choose_from_strip(tiles, state.DRAWING_UPLOAD, st.session_state["sheet"], state.choose, "Sheets", note)


def explanation_of(picture: Picture) -> Explanation:
    """The explanation of the sheet."""
    preset = get_preset("evidence", st.session_state["focus"])
    return controls.ask(lambda target: results.explained(network(), picture, target, preset))


def shares_of(explanation: Explanation | None, strokes: tuple[Stroke, ...]) -> list[float]:
    """Each stroke's share of the evidence on strokes; empty if unknown."""
    if explanation is None or not strokes:
        return []
    shares: list[float] = stroke_shares(explanation.fixations, strokes).tolist()
    return shares


def draw_sheet(strokes: tuple[Stroke, ...], shares: Sequence[float]) -> None:
    """Draw the sheet; the more of the evidence a stroke has, the redder it is."""
    sent = state.sent()
    component.sheet(
        f"{st.session_state['sheet']} {state.number()}",
        strokes,
        [round(share, 4) for share in shares],
        photo_uri(sent) if sent is not None else "",
        key="sketch.sheet",
        on_draw=state.draw,
    )


def draw_answer(
    picture: Picture, explanation: Explanation, strokes: tuple[Stroke, ...], shares: Sequence[float]
) -> None:
    """Draw the fixations next to Grad-CAM, the evidence on ink and paper, and the effect of each stroke."""
    st.header(question(explanation.target, explanation.rather_than), anchor=False)
    lies = on_ink(explanation.kept_fixations, picture)
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Evidence on ink", percent(lies.ink), help="On a line, or closer to one than 1.25 % of the sheet's side."
        )
        st.metric("Evidence on paper", percent(1 - lies.ink))
        st.metric("Sheet near ink", percent(lies.covered))
    answer.show_explanation(
        picture, explanation, results.gradcam(network(), picture, explanation.asked, explanation.preset.crops)
    )
    if len(strokes) > 1:
        _history(explanation, strokes, shares)


def _history(explanation: Explanation, strokes: tuple[Stroke, ...], shares: Sequence[float]) -> None:
    """Draw the probability of the class after each stroke, and say which stroke decided."""
    target, sent = explanation.target, state.sent()
    after = [_probability(picture_of(strokes[:count], sent), target.index) for count in range(len(strokes) + 1)]
    st.header("Which stroke decided?", anchor=False)
    st.markdown(escaped(_deciding_stroke(target.label, after, shares)))
    figure = go.Figure(
        go.Bar(
            x=list(range(1, len(strokes) + 1)),
            y=[100 * value for value in after[1:]],
            customdata=[percent(value) for value in after[1:]],
            marker_color="#2f8fe8",
            hovertemplate="After stroke %{x}: %{customdata}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="Strokes drawn", dtick=max(1, round(len(strokes) / 15)))
    figure.update_yaxes(title_text=f"“{target.label}”, %", range=[0, 100])
    figure.update_layout(height=260, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    st.plotly_chart(
        figure, key="sketch.history", alt=f"Probability of “{target.label}” after each of {len(strokes)} strokes."
    )


def _deciding_stroke(label: str, after: Sequence[float], shares: Sequence[float]) -> str:
    steps = np.diff(after)
    most = int(np.argmax(steps))
    strongest = int(np.argmax(shares))
    text = (
        f"Stroke {most + 1} of {len(steps)} raised “{label}” most, from {percent(after[most])} to "
        f"{percent(after[most + 1])}."
    )
    if shares[strongest] > 0:
        text += f" Now stroke {strongest + 1} has the most evidence of all strokes, {percent(shares[strongest])}."
    return text


def _probability(picture: Picture, index: int) -> float:
    return results.predicted(network(), picture).prediction(index).probability


def known_classes() -> str:
    """An invitation to draw, with some of the classes that the network knows."""
    names = network().model.labels.short
    return f"Draw something: {', '.join(names[:_KINDS])} or one of {len(names) - _KINDS} other objects."
