"""Files that a browser loads once by their address, rather than with every message: pictures, and maps when asked for.

A page keeps what it shows: `begin_page` is called when it is drawn anew, `shown_at` for each file on it.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from weakref import WeakValueDictionary

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit.runtime.scriptrunner import get_script_run_ctx

_PLACE = "shown"
_NOW, _BEFORE = "served.now", "served.before"  # in session state: files by name
# A visitor's own picture must not stay in a browser that others use after them.
_CACHING = {True: "private, max-age=86400, immutable", False: "no-store"}
_lock = threading.Lock()
_served: WeakValueDictionary[str, Served] = WeakValueDictionary()


class Served:
    """A file that browsers may load as long as this object lives.

    Args:
        name: Nobody guesses it.
        kind: Its media type, such as "image/jpeg".
        make: Makes its content, once, when a browser asks for it.
        lasting: Whether browsers may keep it for other pages and visits.
    """

    def __init__(self, name: str, kind: str, make: Callable[[], bytes], lasting: bool = False) -> None:
        self.name, self.kind, self.lasting = name, kind, lasting
        self._make: Callable[[], bytes] | None = make
        self._content = b""
        self._making = threading.Lock()

    @property
    def content(self) -> bytes:
        """What browsers get."""
        with self._making:
            if self._make:
                self._content, self._make = self._make(), None
        return self._content

    @property
    def url(self) -> str:
        """Its address, relative to the app's pages."""
        return f"{_PLACE}/{self.name}"


def served(content: bytes, kind: str, lasting: bool = False) -> Served:
    """A file for browsers, known by its hash. kind: its media type. lasting: as for `Served`."""
    name = hashlib.sha256(content).hexdigest()[:32]
    with _lock:
        found = _served.get(name)
        if found is None:
            found = _served[name] = Served(name, kind, lambda: content, lasting)
        return found


def served_later(make: Callable[[], bytes], kind: str) -> Served:
    """A file for browsers that is made when one asks for it. kind: its media type."""
    name = secrets.token_hex(16)
    with _lock:
        made = _served[name] = Served(name, kind, make)
    return made


def shown_at(file: Served) -> str:
    """The address of a file for the page that this thread draws, if any; the page keeps it while it shows it."""
    if get_script_run_ctx(suppress_warning=True) is not None:
        st.session_state.setdefault(_NOW, {})[file.name] = file
    return file.url


def begin_page() -> None:
    """The page is drawn anew: what it showed before the last time is gone from the browser."""
    st.session_state[_BEFORE] = st.session_state.get(_NOW)
    st.session_state[_NOW] = {}


async def _answer(request: Request) -> Response:
    found = _served.get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    content = await run_in_threadpool(lambda: found.content)
    return Response(content, media_type=found.kind, headers={"Cache-Control": _CACHING[found.lasting]})


route = Route(f"/{_PLACE}/{{name}}", _answer)
