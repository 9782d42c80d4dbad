"""The report of an answer: a button, then how far it is, then its three files, which one computation serves."""

from __future__ import annotations

import time
from collections.abc import Hashable
from functools import partial

import streamlit as st

from cnnfix_core import Explanation, Picture
from cnnfix_core.utils import duration
from cnnfix_ui.errors import escaped
from cnnfix_ui.server import results, shared_jobs
from cnnfix_ui.server.jobs import Job
from cnnfix_ui.server.results import Network
from cnnfix_ui.widgets.downloads import downloads

_WANTED, _SINCE, _EVERY = "report.wanted", "report.since", 0.5
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
        st.session_state.pop(_WANTED, None)
        words = "The walk, other methods, and the command that makes it again: a web page, a PDF, or all data."
        st.button("Make a report", icon=":material/description:", on_click=_want, args=(key,), help=words)
        return
    job = _requested(key, network, picture, name, explanation)
    # It reruns by itself until the report is there.
    st.fragment(_draw, run_every=None if job.ended else _EVERY)(
        partial(_requested, key, network, picture, name, explanation), job.ended, stem
    )


def _draw(requested: partial[Job], had_ended: bool, stem: str) -> None:
    job = requested()
    if job.ended and not had_ended:
        st.rerun()  # to end the reruns
    if job.state == "done":
        files: dict[str, bytes] = job.result.files
        downloads({f"{stem}.{form}": (label, partial(files.__getitem__, form)) for form, label in _LABELS.items()})
    elif job.state == "failed":
        st.error(escaped(job.message), icon=":material/info:")
    else:
        st.progress(job.share, how_long(job.share, time.monotonic() - st.session_state[_SINCE]))


def _requested(key: Hashable, network: Network, picture: Picture, name: str, explanation: Explanation) -> Job:
    work = results.report_job(network, picture, name, explanation)
    return shared_jobs.request({key: work})[key]


def how_long(share: float, passed: float) -> str:
    """How much longer it takes, when this share was done in so many seconds."""
    if not share:
        return "Making the report: a few seconds"
    return f"Making the report: about {duration(max(1, passed * (1 - share) / share))} more"


def _want(key: Hashable) -> None:
    st.session_state[_WANTED] = key
    st.session_state[_SINCE] = time.monotonic()
