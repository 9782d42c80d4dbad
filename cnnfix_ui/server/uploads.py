"""Bounds on uploads, for each page and for all: they stay in memory, and never touch the disk."""

from __future__ import annotations

import re
import sys
from collections import Counter

from starlette.formparsers import MultiPartParser
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import config
from streamlit.runtime import exists, get_instance
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from cnnfix_site import hosting

_PATH = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")


def keep_in_memory() -> None:
    """Keep the parts of a form in memory while they arrive; above 1 MB, Starlette writes them to disk by default."""
    MultiPartParser.spool_max_size = sys.maxsize


class Uploads:
    """ASGI middleware that refuses uploads, and keeps nothing of them, when the page or the server has too much."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._arriving: Counter[str] = Counter()  # bytes by session

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 411 or 413."""
        place = _PATH.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if place is None:
            await self._app(scope, receive, send)
            return
        session, file = place[1], place[2]
        length = HTTPConnection(scope).headers.get("content-length", "")
        if not length.isdecimal():
            await PlainTextResponse("The length of the file is missing.", 411)(scope, receive, send)
            return
        refusal = self._refusal(session, file, int(length))
        if refusal:
            while (await receive()).get("more_body"):  # browsers hear no answer before they have sent all
                pass
            await PlainTextResponse(refusal, 413)(scope, receive, send)
            return
        self._arriving[session] += int(length)
        try:
            await self._app(scope, receive, send)
        finally:
            self._arriving[session] -= int(length)
            if not self._arriving[session]:
                del self._arriving[session]

    def _refusal(self, session: str, file: str, length: int) -> str:
        each, total = hosting.upload_limits(config.get_option("server.address"))
        kept = _kept(session, file)
        if kept[session] + self._arriving[session] + length > each:
            return f"All files of a page together may have {each / 1e6:.0f} MB: reload the page to begin anew."
        if kept.total() + self._arriving.total() + length > total:
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
