"""Screens of a room ask every second or so whether it has changed; only then does their page run again.

They ask by plain HTTP. Fragments that run again by themselves would cost a run of the page each, and under load
Streamlit can lose what a page drew last when such a run overlaps it: a phone then waited for ever.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cnnfix_ui.rooms.registry import rooms
from cnnfix_ui.rooms.room import Room

_HEADER = "X-Class-Key"  # a header, since addresses end up in logs


def phone_watch(room: Room, token: str) -> dict[str, str]:
    """What a phone needs to ask. Take it before the page is drawn."""
    return {"key": f"phone {token}", "version": _version(room, "phone")}


def board_watch(room: Room) -> dict[str, str]:
    """The same for the board."""
    return {"key": f"board {room.board}", "version": _version(room, "board")}


def desk_watch(room: Room) -> dict[str, str]:
    """The same for the desk, which also lists who is in."""
    return {"key": f"desk {room.desk}", "version": _version(room, "desk")}


def _version(room: Room, screen: str) -> str:
    return f"{room.version}.{len(room.pupils())}" if screen == "desk" else str(room.version)


async def _answer(request: Request) -> Response:
    screen, _, key = request.headers.get(_HEADER, "").partition(" ")
    room = rooms.watched(screen, key)
    if room is None:
        return Response(status_code=404)
    count = room.count()
    found = {"version": _version(room, screen), "answered": count.answered, "present": count.present}
    return JSONResponse({**found, "seconds": rooms.period(room)}, headers={"Cache-Control": "no-store"})


route = Route("/class-moment", _answer)
