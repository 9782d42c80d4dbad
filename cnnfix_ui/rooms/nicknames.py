"""Nicknames: short, of letters and digits, each once in a room."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from cnnfix_ui.rooms.errors import RoomError

LONGEST = 16
_ALSO = " .-_'"
_FILLERS = "\u115f\u1160"  # letters of Hangul that nobody sees; others become these


def nickname_in(text: str, taken: Iterable[str]) -> str:
    """What somebody typed, as a nickname. Raises RoomError with what is wrong."""
    name = " ".join(unicodedata.normalize("NFKC", text[:200]).split())
    if not name:
        raise RoomError("Type a nickname.")
    if len(name) > LONGEST:
        raise RoomError(f"Take a nickname of at most {LONGEST} letters.")
    if not all(_is_seen(letter) or letter in _ALSO for letter in name) or not any(map(_is_seen, name)):
        raise RoomError("Take a nickname of letters and digits.")
    if name.casefold() in {other.casefold() for other in taken}:
        raise RoomError("Somebody here has this nickname: take another.")
    return name


def _is_seen(letter: str) -> bool:
    return letter.isalnum() and letter not in _FILLERS
