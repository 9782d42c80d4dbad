"""What is kept in memory for all visitors of a server, up to so many bytes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Kept = TypeVar("Kept")


class Shelf(Generic[Key, Kept]):
    """Large things by key. When there are more than `room` bytes, what was not asked for longest goes.

    weigh: gives the bytes of one.
    """

    def __init__(self, room: int, weigh: Callable[[Kept], int]) -> None:
        self._room, self._weigh = room, weigh
        self._things: dict[Key, Kept] = {}  # what was asked for last comes last
        self._lock = threading.Lock()
        self._making: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)

    def get(self, key: Key, make: Callable[[], Kept]) -> Kept:
        """What is kept under the key; of several visitors who want it at once one makes it. Raises what `make` does."""
        with self._lock:
            making = self._making[key]
        with making:
            thing = self._found(key)
            if thing is None:
                try:
                    thing = make()
                    self._put(key, thing)
                finally:
                    self._making.pop(key, None)
        return thing

    def _found(self, key: Key) -> Kept | None:
        with self._lock:
            if key in self._things:
                self._things[key] = self._things.pop(key)
            return self._things.get(key)

    def _put(self, key: Key, thing: Kept) -> None:
        with self._lock:
            self._things[key] = thing
            while len(self._things) > 1 and sum(map(self._weigh, self._things.values())) > self._room:
                del self._things[next(iter(self._things))]

    def kept(self) -> frozenset[Key]:
        """What is in memory."""
        with self._lock:
            return frozenset(self._things)

    def remove(self, key: Key) -> None:
        """Let one go; its memory is free when the last run that uses it has ended."""
        with self._lock:
            self._things.pop(key, None)
