"""Bounds on uploads, for each page and for all: they stay in memory, and never touch the disk."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Callable

from starlette.formparsers import MultiPartParser
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import exists, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from cnnfix_site import hosting
from cnnfix_ui.server.visitors import visitor_of

_LONGEST_PAUSE = 30.0  # seconds between two parts of a file
_FIRST: Message = {"type": "http.request", "more_body": True}
_GONE: Message = {"type": "http.disconnect"}
_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")


def keep_in_memory() -> None:
    """Keep the parts of a form in memory while they arrive; above 1 MB, Starlette writes them to disk by default."""
    MultiPartParser.spool_max_size = sys.maxsize


class _Upload:
    """A file that arrives: it ends when there is too much, or when nothing comes any more.

    Attributes:
        size: bytes that have arrived and count.
        refusal: what to answer if it ended early.

    grown: called with the size of each part; why it is too much, or "".
    """

    def __init__(self, receive: Receive, grown: Callable[[int], str]) -> None:
        self._receive, self._grown = receive, grown
        self.size = 0
        self.refusal: PlainTextResponse | None = None

    async def receive(self) -> Message:
        """The next part; as if the browser had gone when there is no more."""
        message = await self._next()
        size = len(message.get("body", b""))
        self.size += size
        refusal = self._grown(size)
        if refusal:
            await self.refuse(refusal, message)
            return _GONE
        return message

    async def refuse(self, why: str, message: Message = _FIRST) -> None:
        """Take the rest without keeping it: browsers hear no answer before they have sent all."""
        while message.get("more_body"):
            message = await self._next()
        self.refusal = self.refusal or PlainTextResponse(why, 413)

    async def _next(self) -> Message:
        try:
            return await asyncio.wait_for(self._receive(), _LONGEST_PAUSE)
        except TimeoutError:
            self.refusal = PlainTextResponse("The file stopped arriving: send it again.", 408)
            return _GONE


class Uploads:
    """ASGI middleware that refuses uploads, and keeps nothing of them, when the page or the server has too much.

    What counts is what has arrived, not what was announced: who announces much and sends nothing takes no room.
    An address has at most half of the room, or what one page may have.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving: Counter[str] = Counter()  # bytes by session
        self._addresses: dict[str, str] = {}  # by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 408, 411 or 413."""
        place = _PATH.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if place is None:
            await self._app(scope, receive, send)
            return
        session, file = place[1], place[2]
        length = HTTPConnection(scope).headers.get("content-length", "")
        if not length.isdecimal():
            await PlainTextResponse("The length of the file is missing.", 411)(scope, receive, send)
            return

        address = visitor_of(scope).address

        def grown(size: int) -> str:
            self._arriving[session] += size
            return self._refusal(session, file, address, 0)

        upload = _Upload(receive, grown)
        try:
            if refusal := self._refusal(session, file, address, int(length)):
                await upload.refuse(refusal)
            else:
                await self._app(scope, upload.receive, send)
        except ClientDisconnect:  # it was cancelled, or is refused below
            pass
        finally:
            self._arriving[session] -= upload.size
            if not self._arriving[session]:
                del self._arriving[session]
        if upload.refusal:
            await upload.refusal(scope, receive, send)

    def _refusal(self, session: str, file: str, address: str, length: int) -> str:
        each, total = hosting.upload_limits(config.get_option("server.address"))
        kept = _kept(session, file) + self._arriving
        self._addresses = {one: self._addresses.get(one, "") for one in kept} | {session: address}
        if kept[session] + length > each:
            return f"All files of a page together may have {each / 1e6:.0f} MB: reload the page to begin anew."
        here = sum(size for one, size in kept.items() if self._addresses[one] == address)
        if here + length > max(each, total // 2):
            return "Your network has sent so many files that there is no room: close other pages of the app."
        if kept.total() + length > total:
            return "Other visitors have sent so many files that there is no room: try again in a minute."
        return ""


def _kept(session: str, file: str) -> Counter[str]:
    """Bytes in memory by session, without the file that is sent again."""
    manager = get_instance().uploaded_file_mgr if exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return Counter()
    return Counter(
        {
            name: sum(len(one.data) for number, one in list(files.items()) if (name, number) != (session, file))
            for name, files in list(manager.file_storage.items())
        }
    )
