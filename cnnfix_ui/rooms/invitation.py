"""How pupils come in: the address that others can open, and its QR code."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import segno
import streamlit as st

from cnnfix_site import hosting
from cnnfix_ui.rooms.room import Room

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
    link = f"{base}/{_PAGE}?code={room.code}"
    qr = segno.make(link, error="m").svg_data_uri(border=3, light="#fff", scale=10)
    return Invitation(f"{base.removeprefix('http://')}/{_PAGE}", room.code, qr)


def addresses() -> list[str]:
    """The addresses under which others reach this server, the likeliest first.

    It is the one that the teacher's browser uses; or if that works only on the same machine, those of its network.
    """
    here = urlsplit(st.context.url or "http://localhost:8501")
    own = f"{here.scheme}://{here.netloc}"
    if not hosting.is_local(here.hostname):
        return [own]
    return hosting.urls_for_others(st.get_option("server.address") or "0.0.0.0", here.port or 80) or [own]


def only_here() -> bool:
    """Whether no other machine can open the address."""
    return hosting.is_local(urlsplit(addresses()[0]).hostname)
