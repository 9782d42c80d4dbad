"""Codes that are read aloud, keys that are not, and how often a stranger may guess."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Container
from dataclasses import dataclass

from cnnfix_ui.rooms.errors import RoomError
from cnnfix_ui.server.visitors import Visitor

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # without vowels no code is a word, and none is taken for a digit
LENGTH = 5
_KEY_BYTES = 16
# Wrong codes at once, and seconds until the next one may be tried: for a browser, and for all browsers of an address,
# which a school's pupils share.
_BROWSER_TRIES, _BROWSER_SECONDS = 20, 15.0
_ADDRESS_TRIES, _ADDRESS_SECONDS = 200, 2.0
_MOST_KNOWN = 10_000


def new_code(taken: Container[str]) -> str:
    """A code that is not taken."""
    while True:
        code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        if code not in taken:
            return code


def new_key() -> str:
    """A key of 128 random bits."""
    return secrets.token_urlsafe(_KEY_BYTES)


def code_in(text: str) -> str:
    """The code that somebody typed: capital letters, without spaces and hyphens. "" if it cannot be one."""
    code = "".join(text[:40].upper().replace("-", " ").split())
    return code if len(code) == LENGTH and set(code) <= set(LETTERS) else ""


@dataclass
class _Tries:
    """A bucket of tries that fills again. left: as of `at`."""

    left: float
    at: float


class Guesses:
    """Counts wrong codes. Who has none left must wait; a right code costs nothing.

    clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: dict[str | Visitor, _Tries] = {}  # by browser and by address, the latest last

    def check(self, who: Visitor) -> None:
        """Raise RoomError if this visitor must wait before the next try."""
        with self._lock:
            for name, most, seconds in _buckets(who):
                left = self._now(name, most, seconds).left
                if left < 1:
                    wait = max(1, round((1 - left) * seconds))
                    raise RoomError(
                        f"Too many wrong codes: try again in {wait} {'second' if wait == 1 else 'seconds'}."
                    )

    def wrong(self, who: Visitor) -> None:
        """Count a wrong code of this visitor."""
        with self._lock:
            for name, most, seconds in _buckets(who):
                tries = self._now(name, most, seconds)
                tries.left -= 1  # below 0 after many at the same moment, who wait longer
                self._tries.pop(name, None)
                self._tries[name] = tries
            while len(self._tries) > _MOST_KNOWN:
                del self._tries[next(iter(self._tries))]

    def _now(self, name: str | Visitor, most: int, seconds: float) -> _Tries:
        """The tries of this name as of now; not stored if it has not been wrong before."""
        now = self._clock()
        tries = self._tries.get(name)
        if tries is None:
            return _Tries(most, now)
        tries.left, tries.at = min(most, tries.left + (now - tries.at) / seconds), now
        return tries


def _buckets(who: Visitor) -> tuple[tuple[str | Visitor, int, float], ...]:
    return (who, _BROWSER_TRIES, _BROWSER_SECONDS), (who.address, _ADDRESS_TRIES, _ADDRESS_SECONDS)
