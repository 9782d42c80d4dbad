"""Bounds on the connections of pages: how many a visitor has, how fast they ask, and what is kept when they end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from weakref import WeakValueDictionary

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime import Runtime, exists, get_instance

from cnnfix_ui.server import heap
from cnnfix_ui.server.visitors import Visitor, visitor_of

MAX_PAGES = 100  # of one visitor at once
PER_SECOND, AT_ONCE = 30, 150  # messages of one visitor: in the long run, and after a rest
RECONNECT_SECONDS = 30  # how long a page whose connection broke is kept
_TRY_AGAIN_LATER = 1013
_NO_MESSAGE = 1003
_BROKEN = (1005, 1006)  # the connection ended without a word, so uvicorn says either: the browser may connect again


class Pace:
    """How long each message of a visitor must wait, so that others need not.

    The generic cell rate algorithm (ITU-T I.371): no bursts above `at_once`, and `per_second` in the long run.
    """

    def __init__(self, per_second: float, at_once: int) -> None:
        self._step, self._slack = 1 / per_second, at_once / per_second
        self._due = time.monotonic() - self._slack

    def delay(self) -> float:
        """Seconds that the next message must wait."""
        now = time.monotonic()
        self._due = max(self._due, now - self._slack) + self._step
        return max(0.0, self._due - now)


class _Messages:
    """What a page says, at its visitor's pace. closed: whether it has ended, so that nobody comes back to it."""

    def __init__(self, receive: Receive, pace: Pace) -> None:
        self._receive, self._pace = receive, pace
        self.closed = False

    async def receive(self) -> Message:
        """The next message; what Streamlit cannot read ends the page."""
        message = await self._receive()
        if message["type"] == "websocket.receive":
            await asyncio.sleep(self._pace.delay())
            if not _can_be_read(message):
                message = {"type": "websocket.disconnect", "code": _NO_MESSAGE}
        if message["type"] == "websocket.disconnect":
            self.closed = message.get("code") not in (None, *_BROKEN)
        return message


def _can_be_read(received: Message) -> bool:
    """Whether Streamlit can read this: else it would write a traceback into the log each time."""
    try:
        BackMsg.FromString(received.get("bytes") or b"")
    except DecodeError:
        return False
    return received.get("bytes") is not None


def _while_connected(send: Send) -> Send:
    """The same, but silent once the connection has ended: the page hears that when it receives."""

    async def sending(message: Message) -> None:
        with suppress(OSError):
            await send(message)

    return sending


class Connections:
    """ASGI middleware that holds the bounds, and closes the session of a closed page, with its uploads, at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open: Counter[Visitor] = Counter()
        self._paces: WeakValueDictionary[Visitor, Pace] = WeakValueDictionary()
        self._left: set[str] = set()  # sessions whose connection broke

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on; other requests as they are."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        who = visitor_of(scope)
        if self._open[who] >= MAX_PAGES:
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER, "reason": "Too many pages are open."})
            return
        self._open[who] += 1
        messages = _Messages(receive, self._paces.setdefault(who, Pace(PER_SECOND, AT_ONCE)))
        try:
            await self._app(scope, messages.receive, _while_connected(send))
        finally:
            seconds = 0 if messages.closed else RECONNECT_SECONDS
            asyncio.get_running_loop().call_later(seconds, self._forget, who)
            self._close_sessions(seconds)

    def _forget(self, who: Visitor) -> None:
        """Count a page no more. One that is kept for a while counts so long: else breaking it would make room."""
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]

    def _close_sessions(self, seconds: float) -> None:
        """Close those who have just lost their connection after so many seconds, unless they connect again."""
        if not exists():
            return
        runtime = get_instance()
        left = {one for one in _without_connection(runtime) if one not in self._left}
        self._left |= left
        asyncio.get_running_loop().call_later(seconds, self._close, runtime, left)

    def _close(self, runtime: Runtime, sessions: Iterable[str]) -> None:
        for session in sessions:
            self._left.discard(session)
            if not runtime.is_active_session(session):
                runtime.close_session(session)
        heap.give_back_soon()


def nobody_is_there() -> bool:
    """Whether no page is open, nor waits for its connection to come back."""
    return not exists() or not get_instance()._session_mgr.list_sessions()


def _without_connection(runtime: Runtime) -> list[str]:
    found = [info.session.id for info in runtime._session_mgr.list_sessions()]  # no other way to know
    return [session for session in found if not runtime.is_active_session(session)]
