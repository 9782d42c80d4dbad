"""The part of the page that is computed step by step: it reruns by itself until all maps are there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from cnnfix_core.errors import CnnfixError
from cnnfix_core.methods import BASELINES
from cnnfix_core.metrics.verdicts import OTHER, SAME
from cnnfix_ui import address
from cnnfix_ui.compare import cells, controls, files, state, tables
from cnnfix_ui.compare.acts import act
from cnnfix_ui.compare.cases import Case, case_of
from cnnfix_ui.compare.cells import GridCell
from cnnfix_ui.compare.chart import chart
from cnnfix_ui.compare.component import grid as draw_grid
from cnnfix_ui.compare.grid_data import Grid, grid_data, truth_key
from cnnfix_ui.compare.measures import MEASURES
from cnnfix_ui.compare.questions import CompareQuestion
from cnnfix_ui.errors import escaped
from cnnfix_ui.widgets.controls import WalkSettings
from cnnfix_ui.widgets.order import first

_PENDING, _EVERY = "compare.pending", 0.8


def show_comparison(base: CompareQuestion) -> None:
    """Draw controls, grid and scores for the page's question."""
    pending = st.session_state.get(_PENDING, False)
    with st.container(key="compare"):
        st.fragment(_show_comparison, run_every=_EVERY if pending else None)(base)


def _show_comparison(base: CompareQuestion) -> None:
    if state.question() != base:
        st.rerun()  # another class was chosen in the first row, and the page's heading must show it
    case = case_of(base)
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        controls.choose_seen()
        controls.add_rows(case.network.model.labels, state.has_room(rows=1))
        settings = controls.choose_more(max(case.picture.width, case.picture.height))
    grid = _computed(case, settings)
    data = grid_data(grid, st.session_state[controls.TOOL], st.session_state[controls.BRUSH])
    with first("grid"):
        draw_grid(data, key="grid", on_act=lambda event: act(grid, event))
    files.offer(grid)
    _below(grid)
    address.write(state.SETTINGS)
    pending = not all(shown.ended for shown in grid.measured)
    before = st.session_state.get(_PENDING, False)
    st.session_state[_PENDING] = pending
    if pending != before:
        st.rerun()  # to start or stop the automatic rerun


def _computed(case: Case, settings: WalkSettings) -> Grid:
    base = case.question
    cases = [case, *_kept("rows", lambda row: row.of(base))]
    pins = _kept("pins", lambda pin: pin[1])
    methods = state.state("methods")
    placed = [
        GridCell(method, case, settings, column, row)
        for row, case in enumerate(cases)
        for column, method in enumerate(methods)
    ]
    pinned = [GridCell(method, case, settings) for (method, _), case in zip(state.state("pins"), pins, strict=True)]
    baselines = [
        GridCell(name, case, settings)
        for number, case in enumerate(cases)
        for name in BASELINES
        if name not in methods and truth_key(case) not in map(truth_key, cases[:number])
    ]
    shown = cells.request([*placed, *pinned, *baselines], [name for name in MEASURES if state.state(name)])
    first, second = len(placed), len(placed) + len(pinned)
    return Grid(base, cases, shown[:first], shown[first:second], shown[second:])


def _kept(name: str, question: Callable[[Any], CompareQuestion]) -> list[Case]:
    """The cases of the rows or pins; those that are not available are removed with a message."""
    found = []
    for item in state.state(name):
        try:
            found.append((item, case_of(question(item))))
        except CnnfixError as error:
            st.warning(escaped(str(error)), icon=":material/info:")
    state.keep(name, tuple(item for item, _ in found))
    return [case for _, case in found]


def _below(grid: Grid) -> None:
    st.subheader("Compared with the boxes", anchor=False)
    st.markdown(escaped(tables.about_boxes(grid)))
    rows = tables.box_scores(grid)
    if rows:
        st.markdown(escaped(tables.boxes_said(grid)))
        tables.table(rows)
        st.caption(tables.READING)
    agreement, verdict = tables.method_agreement(grid)
    if agreement:
        st.subheader("Agreement between methods", anchor=False)
        st.markdown(escaped(verdict))
        tables.table(agreement)
        st.caption(
            "Maps of the first row. Similarity: rank correlation over all places, from −1 to 1. Shared top tenth: the "
            "share of the strongest 10 % of places that both maps have in common."
        )
    moved, verdict = tables.map_changes(grid)
    if moved:
        st.subheader("Did the maps change?", anchor=False)
        st.markdown(escaped(verdict))
        tables.table(moved)
        st.caption(
            "Each row's map compared with the first row's map of the same method. A map hardly moved from a similarity "
            f"of {SAME} on, and moved below {OTHER}."
        )
    if state.state("cuts"):
        st.subheader("Cut-outs", anchor=False)
        tables.table(tables.cut_outs(grid))
        st.caption(
            "The strongest 10 % of each map, grown to edges of the picture. Match: IoU of the box around the cut-out "
            "with the best of the boxes, which is easy for a cut-out of nearly the whole picture: see the last rows."
        )
    st.subheader("Insertion and deletion", anchor=False)
    st.toggle(
        "Measure insertion and deletion",
        key="curves",
        help="Insertion adds pixels to a blurred picture, deletion replaces them with grey, both in the order of each "
        "map. The network is run at each step (Petsiuk et al., RISE, 2018).",
    )
    if state.state("curves"):
        st.plotly_chart(chart(grid.measured), key="chart")
        st.markdown(escaped(tables.curves_said(grid)))
        tables.table(tables.areas(grid))
    _robustness(grid)


def _robustness(grid: Grid) -> None:
    st.subheader("ROAD and sensitivity to noise", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        st.toggle(
            "Measure ROAD",
            key="road",
            help="How much more of the probability is lost without the strongest pixels than without the weakest. What "
            "is removed is filled in from its neighbours (Rong et al. 2022). From −1 to 1; noise has about 0.",
        )
        st.toggle(
            "Measure sensitivity to noise",
            key="sensitivity",
            help="The largest change of each map in ten noisy copies of the picture, in which every number moves by at "
            "most 5 of 255 (Yeh et al. 2019). 0: the map stays, as the centre does, so this alone is no virtue.",
        )
    if said := tables.how_long(grid):
        st.caption(said)
    if state.state("road") or state.state("sensitivity"):
        st.markdown(escaped(tables.robustness_said(grid)))
        tables.table(tables.robustness(grid))
