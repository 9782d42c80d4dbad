"""Nicknames: short, of letters and digits, each once in a room."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from cnnfix_ui.rooms.errors import RoomError

LONGEST = 16
_ALSO = " .-_'"
_MOST_MARKS = 3  # on one letter, as vowels and tones of Hindi and Thai are; more of them would cover other lines
# Letters of Hangul, vowels of Khmer and a joiner that nobody sees; others become these.
_FILLERS = "\u115f\u1160\u17b4\u17b5\u034f"


def nickname_in(text: str, taken: Iterable[str]) -> str:
    """What somebody typed, as a nickname. Raises RoomError with what is wrong."""
    name = " ".join(unicodedata.normalize("NFKC", text[:200]).split())
    if not name:
        raise RoomError("Type a nickname.")
    if len(name) > LONGEST:
        raise RoomError(f"Take a nickname of at most {LONGEST} letters.")
    plain = _without_marks(name)
    if not all(_is_seen(letter) or letter in _ALSO for letter in plain) or not any(map(_is_seen, plain)):
        raise RoomError("Take a nickname of letters and digits.")
    if name.casefold() in {other.casefold() for other in taken}:
        raise RoomError("Somebody here has this nickname: take another.")
    return name


def _without_marks(name: str) -> str:
    """The letters without the marks that belong to them."""
    plain, marks = "", 0
    for letter in name:
        marks = marks + 1 if _is_mark(letter) else 0
        if not 0 < marks <= _MOST_MARKS or not plain[-1:].isalnum():
            plain += letter
    return plain


def _is_mark(letter: str) -> bool:
    seen = letter not in _FILLERS and "VARIATION SELECTOR" not in unicodedata.name(letter, "")
    return seen and unicodedata.category(letter) in ("Mn", "Mc")


def _is_seen(letter: str) -> bool:
    return letter.isalnum() and letter not in _FILLERS
