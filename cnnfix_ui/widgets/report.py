"""The report of an answer: a button, then how far it is, then its three files, which one computation serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import partial

import streamlit as st

from cnnfix_core import Explanation, Picture
from cnnfix_core.utils import duration
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results, shared_jobs
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.server.questions import ReportFiles
from cnnfix_ui.server.results import Network
from cnnfix_ui.widgets.downloads import downloads

_WANTED, _SINCE, _MADE, _EVERY = "report.wanted", "report.since", "report.made", 0.5
_LABELS = {"html": "Report", "pdf": "PDF", "zip": "Everything"}


def offer(network: Network, picture: Picture, name: str, explanation: Explanation, stem: str) -> None:
    """Draw it.

    Args:
        network: the explained network.
        picture: the picture.
        name: of the picture in the gallery.
        explanation: the answer that is reported.
        stem: of the files' names.
    """
    key = "report", network.key, picture.digest, name, explanation.asked, explanation.preset
    if st.session_state.get(_WANTED) != key:
        for left in (_WANTED, _MADE):
            st.session_state.pop(left, None)
        words = "The walk, other methods, and the command that makes it again: a web page, a PDF, or all data."
        st.button("Make a report", icon=":material/description:", on_click=_want, args=(key,), help=words)
        return
    # It reruns by itself until the report is there.
    made = _MADE in st.session_state
    work = results.report_job(network, picture, name, explanation)
    st.fragment(_draw, run_every=None if made else _EVERY)(key, work, stem)


def _draw(key: Hashable, work: Callable[[Job], ReportFiles], stem: str) -> None:
    if _MADE not in st.session_state:
        job = shared_jobs.request({key: work})[key]
        if job.ended:
            # A report holds the picture: it is this visit's, and the server keeps it no longer.
            st.session_state[_MADE] = shared_jobs.take(key) or job.message
            st.rerun()  # to end the reruns
        st.progress(job.share, how_long(job.share, time.monotonic() - st.session_state[_SINCE]))
        return
    made: ReportFiles | str = st.session_state[_MADE]
    if isinstance(made, str):
        st.error(escaped(made), icon=":material/info:")
        return
    files = made.files
    downloads({f"{stem}.{form}": (label, partial(files.__getitem__, form)) for form, label in _LABELS.items()})


def how_long(share: float, passed: float) -> str:
    """How much longer it takes, when this share was done in so many seconds."""
    if not share:
        return "Making the report: a few seconds"
    return f"Making the report: about {duration(max(1, passed * (1 - share) / share))} more"


def _want(key: Hashable) -> None:
    st.session_state.pop(_MADE, None)
    st.session_state[_WANTED] = key
    st.session_state[_SINCE] = time.monotonic()
