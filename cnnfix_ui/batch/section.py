"""The table and the contact sheet, which fill while pictures are explained."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import streamlit as st

from cnnfix_core import Preset, open_picture
from cnnfix_core.batch import BatchRow, UploadedPicture
from cnnfix_core.batch.table import table, without_formulas
from cnnfix_core.images import left_out, list_samples
from cnnfix_core.utils import duration, percent, significant
from cnnfix_ui import address
from cnnfix_ui.batch import parts, state
from cnnfix_ui.batch.entries import BatchEntry
from cnnfix_ui.batch.parts import BatchProgress
from cnnfix_ui.components.choices.component import Choice, choices
from cnnfix_ui.errors import escaped
from cnnfix_ui.server.results import Network
from cnnfix_ui.widgets import controls, gallery, networks
from cnnfix_ui.widgets.downloads import downloads
from cnnfix_ui.widgets.order import first
from cnnfix_ui.widgets.uploads import OWN

_OPEN, _PENDING, _STARTED = (f"batch.{name}" for name in ("open", "pending", "started"))
_EVERY = 1.0
_ROW = 64  # pixels, high enough for a picture


def show_batch(network: Network, preset: Preset, pictures: Sequence[UploadedPicture]) -> None:
    """Draw the results so far; reruns by itself until all are there."""
    pending = st.session_state.get(_PENDING, False)
    with first("batch"):
        st.fragment(_show_batch, run_every=_EVERY if pending else None)(network, preset, pictures)


def show_left_out() -> None:
    """Say which files of the upload are no pictures."""
    uploads = state.UPLOAD.value
    if uploads is not None and uploads.left_out:
        st.caption(escaped(left_out(uploads.left_out)))


def open_chosen(pictures: Sequence[UploadedPicture]) -> None:
    """Go to the picture's page if a row was clicked: Explore, or Backtrack for a unit."""
    name = st.session_state.pop(_OPEN, None)
    packed = next((one for one in pictures if one.name == name), None)
    if packed is None:
        return
    if any(sample.name == name for sample in list_samples()) and state.UPLOAD.value is None:
        address.set_value("picture", name)
    else:
        gallery.take(open_picture(packed.content))
        address.set_value("picture", OWN)
    address.set_value("class", None)
    address.set_value("than", None)
    networks.open_with(st.session_state["model"], _page().lower())


def _show_batch(network: Network, preset: Preset, pictures: Sequence[UploadedPicture]) -> None:
    if _OPEN in st.session_state:
        st.rerun()  # the page itself switches to the other
    unit = st.session_state["unit"]
    found = parts.request(network, preset, unit, pictures)
    with st.container():  # stays when what is in it goes: what follows keeps its place, and so the tab that is open
        _show_progress(found)
        for failure in found.failures:
            st.error(escaped(failure), icon=":material/info:")
    good = [entry for entry in found.entries if not entry.row.error]
    if good:
        about = f": how much each excites {escaped(str(unit))}" if unit else ""
        st.header(("1 picture" if len(good) == 1 else f"{len(good)} pictures") + about, anchor=False)
        shown = _filtered(good)
        table_tab, sheet_tab = st.tabs(["Table", "Contact sheet"])
        with table_tab:
            _table(shown)
        with sheet_tab:
            _sheet(shown)
        _downloads([entry.row for entry in found.entries], [packed.name for packed in pictures])
    _show_failures([entry.row for entry in found.entries if entry.row.error], alone=found.ended and not good)
    address.write(state.SETTINGS)
    pending = not found.ended
    if pending != st.session_state.get(_PENDING, False):
        st.session_state[_PENDING] = pending
        st.rerun()  # to start or stop the automatic rerun


def _page() -> str:
    """The title of the page on which a row's question can be asked again."""
    return "Backtrack" if st.session_state["unit"] else "Explore"


def _show_progress(found: BatchProgress) -> None:
    if found.ended:
        st.session_state.pop(_STARTED, None)
        return
    started, before = st.session_state.setdefault(_STARTED, (time.monotonic(), found.done))
    done = found.done - before
    words = f"{found.done} of {found.total} pictures"
    if done:
        words += f", {duration((time.monotonic() - started) / done * (found.total - found.done))} left"
    if found.ahead:
        others = "another visitor" if found.ahead == 1 else f"{found.ahead} other visitors"
        words += f". Taking turns with {others}"
    st.progress(found.done / found.total, words)


def _filtered(entries: Sequence[BatchEntry]) -> list[BatchEntry]:
    """Draw the filters; return the matching entries in order."""
    with st.container(horizontal=True, gap="medium", vertical_alignment="top"):
        orders = state.orders()
        if st.session_state["order"] not in orders:
            st.session_state["order"] = orders[0]
        st.selectbox("Sort", orders, format_func=state.ORDERS.__getitem__, key="order", width=260)
        st.text_input(
            "Name or class", key="words", placeholder="For example cat", max_chars=state.MOST_WORDS, width=220
        )
        with controls.lowered("filter"), st.popover("Filter", icon=":material/filter_alt:"):
            for measure in state.MEASURES:
                st.slider(measure.title, *state.ALL, format="%d %%", key=measure.name, help=measure.help)
    shown = [entry for entry in entries if _matches(entry.row)]
    order = st.session_state["order"]
    if order != "sent":
        key = state.sorted_by(order)
        shown.sort(key=lambda entry: key(entry.row))
    with st.container():  # for the tabs, as above
        if len(shown) < len(entries):
            st.caption(f"{len(shown)} of {len(entries)} pictures match.")
    return shown


def _matches(row: BatchRow) -> bool:
    if st.session_state["words"].strip().lower() not in f"{row.picture} {row.predicted}".lower():
        return False
    for measure in state.MEASURES:
        low, high = st.session_state[measure.name]
        # A missing number matches unless the filter is set.
        if (low, high) != state.ALL and not low <= 100 * measure.of(row) <= high:
            return False
    return True


def _table(entries: Sequence[BatchEntry]) -> None:
    names = [entry.row.picture for entry in entries]

    def opened() -> None:
        row = st.session_state["batch.button"].row
        if 0 <= row < len(names):  # the value comes from the browser
            st.session_state[_OPEN] = names[row]

    numbers = {
        measure.name: st.column_config.NumberColumn(measure.title, help=measure.help, format="%.1f %%")
        for measure in state.MEASURES
    }
    activation = {state.ACTIVATION.name: [entry.row.score for entry in entries]} if st.session_state["unit"] else {}
    frame = pa.table(
        {
            "open": [_page()] * len(entries),
            "image": [entry.image for entry in entries],
            "picture": names,
            "predicted": [entry.row.predicted for entry in entries],
            **activation,
            **{measure.name: _percentages(measure, entries) for measure in state.MEASURES},
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        row_height=_ROW,
        height=min(12, len(entries)) * _ROW + 38 if entries else "auto",
        column_config={
            "open": st.column_config.ButtonColumn("Open", on_click=opened, key="batch.button", width=100),
            "image": st.column_config.ImageColumn("Evidence", width=90),
            "picture": st.column_config.TextColumn("Picture", width="medium"),
            "predicted": st.column_config.TextColumn("Prediction", width="medium"),
            "score": st.column_config.NumberColumn(state.ACTIVATION.title, help=state.ACTIVATION.help, format="%.3g"),
            **numbers,
        },
        placeholder="–",
        key="batch.table",
        alt="One row per picture, with the prediction and where the evidence lies",
    )


def _percentages(measure: state.Measure, entries: Sequence[BatchEntry]) -> pa.Array:
    return pa.array([100 * measure.of(entry.row) for entry in entries], pa.float64(), from_pandas=True)


def _sheet(entries: Sequence[BatchEntry]) -> None:
    def chosen(name: str) -> None:
        st.session_state[_OPEN] = name

    choices(
        [
            Choice(
                entry.row.picture,
                _label(entry.row),
                f"{entry.row.picture}: open on the {_page()} page",
                entry.image,
            )
            for entry in entries
        ],
        selected=None,
        look="sheet",
        label=f"Contact sheet. Choose a picture to open it on the {_page()} page.",
        key="batch.sheet",
        on_choose=chosen,
    )


def _label(row: BatchRow) -> str:
    return significant(row.score) if st.session_state["unit"] else f"{row.predicted}, {percent(row.confidence)}"


def _downloads(rows: Sequence[BatchRow], names: Sequence[str]) -> None:
    def made(write: Callable[[pa.Table, io.BytesIO], object]) -> Callable[[], bytes]:
        def content() -> bytes:
            file = io.BytesIO()
            write(table(rows, names), file)
            return file.getvalue()

        return content

    def write_csv(whole: pa.Table, file: io.BytesIO) -> None:
        pyarrow.csv.write_csv(without_formulas(whole)[0], file)

    downloads(
        {
            "batch.csv": ("CSV", made(write_csv)),
            "batch.parquet": ("Parquet", made(pyarrow.parquet.write_table)),
        }
    )


def _show_failures(rows: Sequence[BatchRow], alone: bool) -> None:
    """Say which files could not be used, and why. alone: no other could."""
    if not rows:
        return
    title = "1 file was skipped" if len(rows) == 1 else f"{len(rows)} files were skipped"
    with st.expander(title, expanded=alone, icon=":material/broken_image:"):
        st.markdown("\n".join(f"- **{escaped(row.picture)}**: {escaped(row.error)}" for row in rows))
