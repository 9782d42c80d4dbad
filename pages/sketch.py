"""Sketch: draw, see what the network predicts after each stroke, and which strokes led to it."""

import streamlit as st

from cnnfix_core.errors import CnnfixError
from cnnfix_ui.address import kept_in_address
from cnnfix_ui.errors import escaped
from cnnfix_ui.sketch import sections, state
from cnnfix_ui.widgets import answer, controls
from cnnfix_ui.widgets.order import first

with kept_in_address(state.SETTINGS):
    sections.choose_sheet()
    drawn, seen = st.columns([1, 1.6], gap="large")
    strokes, sent = state.strokes(), state.sent()
    picture = sections.picture_of(strokes, sent) if strokes or sent else None
    with seen:
        bar, place = st.container(), first("answer")
    explanation = None
    if picture is not None:
        with bar, st.container(horizontal=True, vertical_alignment="top", gap="medium"):
            answer.choose_shown()
            controls.choose_focus()
            with controls.more():
                answer.choose_opacity()
        with place, st.spinner("Following the evidence back …", show_time=True):
            try:
                explanation = sections.explanation_of(picture)
            except CnnfixError as error:
                st.error(escaped(str(error)), icon=":material/info:")
    shares = sections.shares_of(explanation, strokes)
    with drawn:
        with first("sheet"):
            sections.draw_sheet(strokes, shares)
        if picture is not None:
            controls.choose_classes(explanation, sections.network().model.labels)
    with place:
        if explanation is not None and picture is not None:
            sections.draw_answer(picture, explanation, strokes, shares)
        elif picture is None:
            st.info(sections.known_classes(), icon=":material/draw:")
