"""The jobs of all pages, and the visitors who request them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx

from cnnfix_ui.server.jobs import Job, Jobs
from cnnfix_ui.server.turns import turns
from cnnfix_ui.server.visitors import is_open, visitor

_DEFAULT_SIZE = 1_000  # bytes, for a result without `nbytes`

_jobs = Jobs(
    workers=2,
    max_bytes=512_000_000,
    size_of=lambda result: getattr(result, "nbytes", _DEFAULT_SIZE),
    turn=lambda who: turns.acquired(long=True, who=who),
    is_open=is_open,
)


def request(tasks: Mapping[Hashable, Callable[[Job], Any]]) -> dict[Hashable, Job]:
    """The jobs with these keys, for this page; see `Jobs.request`."""
    return _jobs.request(_page(), tasks, visitor())


def take(key: Hashable) -> Any:
    """The result of a finished job of this page; see `Jobs.take`."""
    return _jobs.take(_page(), key)


def ahead() -> int:
    """How many other visitors have jobs that wait or run."""
    return _jobs.ahead(_page())


def _page() -> str:
    """The session of this visitor's open page."""
    context = get_script_run_ctx()
    return context.session_id if context else ""
