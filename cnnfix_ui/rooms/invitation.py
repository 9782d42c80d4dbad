"""How pupils come in: the address that others can open, and its QR code."""

from __future__ import annotations

from dataclasses import dataclass

from cnnfix_ui.rooms.room import Room
from cnnfix_ui.server.links import addresses, qr_of

_PAGE = "room"


@dataclass(frozen=True)
class Invitation:
    """What the board shows until the room is locked. address: to type. qr: a data URI of an SVG picture."""

    address: str
    code: str
    qr: str


def invitation_to(room: Room) -> Invitation:
    """The invitation to a room, for those who are not at this machine."""
    base = addresses()[0]
    qr = qr_of(f"{base}/{_PAGE}?code={room.code}")
    return Invitation(f"{base.removeprefix('http://')}/{_PAGE}", room.code, qr)
