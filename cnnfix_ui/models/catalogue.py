"""The catalogue of networks: a table, facts about the chosen one, and buttons to load it."""

from collections.abc import Sequence

import streamlit as st

from cnnfix_core import ModelInfo, list_models
from cnnfix_site import hosting
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results
from cnnfix_ui.widgets import networks
from cnnfix_ui.widgets.fetching import load_with_bar

_TABLE, _ROW = "catalogue.table", "catalogue.row"


def show_catalogue() -> None:
    """Draw the table, and next to it facts and buttons for the chosen network."""
    infos = list_models()
    table, facts = st.columns([2.2, 1], gap="large")
    with table:
        info = _chosen(infos)
    with facts:
        st.header(info.title, anchor=False)
        st.markdown(escaped(_facts(info)))
        _actions(info)


def _chosen(infos: Sequence[ModelInfo]) -> ModelInfo:
    loaded = results.models.cached_keys()
    number = st.column_config.NumberColumn
    rows = {
        "Network": [info.title for info in infos],
        "State": [_state(info, loaded) for info in infos],
        "Task": [info.task for info in infos],
        "Accuracy": [info.accuracy for info in infos],
        "Parameters": [info.parameters and info.parameters / 1e6 for info in infos],
        "Size": [info.size and info.size / 1e6 for info in infos],
        "Source": [info.source for info in infos],
        "Licence": [info.licence for info in infos],
    }
    st.dataframe(
        rows,
        height=560,  # down to the paper's networks
        hide_index=True,
        placeholder="",
        column_config={
            # On a phone of 390 pixels the first three columns are seen whole.
            "Network": st.column_config.TextColumn(width=174),
            "State": st.column_config.TextColumn(width=72),
            "Task": st.column_config.TextColumn(width=100),
            "Accuracy": number(format="%.1f %%", help="Top-1 accuracy on the ImageNet validation set, as published"),
            "Parameters": number(format="%.1f M"),
            "Size": number(format="%.1f MB", width=76),
            "Source": st.column_config.TextColumn(width=320),
            "Licence": st.column_config.TextColumn(width=420),
        },
        key=_TABLE,
        on_select=_choose,
        # Cells, not rows: a row can only be selected by a small mark, and not by the keyboard.
        selection_mode="single-cell",
        selection_default={"selection": {"cells": [(st.session_state.setdefault(_ROW, 0), "Network")]}},
        alt="The networks, with state, task, accuracy, size, source and licence",
    )
    return infos[int(st.session_state[_ROW])]


def _choose() -> None:
    """Choose the network of the selected cell; one network is always chosen."""
    cells = st.session_state[_TABLE]["selection"]["cells"]
    if cells:
        st.session_state[_ROW] = cells[0][0]


def _state(info: ModelInfo, loaded: frozenset[str]) -> str:
    if info.name in loaded:
        return "Loaded"
    return "Ready" if info.available else "Not here"


def _facts(info: ModelInfo) -> str:
    parts = []
    if info.accuracy:
        parts.append(f"Right first guess on {info.accuracy:.1f} % of ImageNet's test pictures (top-1), as published.")
    if info.parameters:
        parts.append(f"{info.parameters / 1e6:.1f} million parameters.")
    parts.append(f"Weights: {info.source}. Licence: {info.licence}.")
    if info.name in results.models.cached_keys():
        parts.append("It is loaded, for all visitors of this server.")
    else:
        parts.append(
            "Its weights are on this machine." if info.available else f"Not on this machine yet. {info.remedy}"
        )
    return " ".join(parts)


def _actions(info: ModelInfo) -> None:
    loaded = info.name in results.models.cached_keys()
    with st.container(horizontal=True, gap="small"):
        explore = st.button("Explore with this network", type="primary", disabled=not info.available)
        load = not loaded and st.button("Load", icon=":material/download:" if not info.available else None)
        # On a server that others use, it is theirs too.
        mine = hosting.is_local(st.get_option("server.address"))
        if loaded and mine and st.button("Unload", help="Frees its memory. It is loaded again when it is used."):
            results.models.remove(info.name)
            st.rerun()
    if explore:
        networks.open_with(info.name)
    if load:
        load_with_bar(info, lambda progress: results.loaded(info.name, progress))
