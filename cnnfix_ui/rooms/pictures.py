"""Pictures that a browser loads once by their address, rather than with every message."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PLACE = "class-pictures"
_FOREVER = {"Cache-Control": "private, max-age=86400, immutable"}
_lock = threading.Lock()
_shared: WeakValueDictionary[str, SharedPicture] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class SharedPicture:
    """A file that browsers may load as long as this object lives. name: its hash, which nobody guesses."""

    name: str
    content: bytes
    kind: str

    @property
    def url(self) -> str:
        """Its address, relative to the app's pages."""
        return f"{_PLACE}/{self.name}"


def shared(content: bytes, kind: str) -> SharedPicture:
    """A picture for browsers. kind: its media type, such as "image/jpeg"."""
    name = hashlib.sha256(content).hexdigest()[:32]
    with _lock:
        found = _shared.get(name)
        if found is None:
            found = _shared[name] = SharedPicture(name, content, kind)
        return found


async def _answer(request: Request) -> Response:
    found = _shared.get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    return Response(found.content, media_type=found.kind, headers=_FOREVER)


route = Route(f"/{_PLACE}/{{name}}", _answer)
