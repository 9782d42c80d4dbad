"""What is kept in memory for all visitors of a server, up to so many bytes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Large things by key. When there are more than `max_bytes` bytes, what was not asked for longest goes.

    size_of: gives the bytes of one.
    """

    def __init__(self, max_bytes: int, size_of: Callable[[Value], int]) -> None:
        self._max_bytes, self._size_of = max_bytes, size_of
        self._entries: dict[Key, Value] = {}  # what was asked for last comes last
        self._lock = threading.Lock()
        self._making: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """What is kept under the key; of several visitors who want it at once one makes it. Raises what `make` does."""
        with self._lock:
            making = self._making[key]
        with making:
            value = self._lookup(key)
            if value is None:
                try:
                    value = make()
                    self._store(key, value)
                finally:
                    self._making.pop(key, None)
        return value

    def _lookup(self, key: Key) -> Value | None:
        with self._lock:
            if key in self._entries:
                self._entries[key] = self._entries.pop(key)
            return self._entries.get(key)

    def _store(self, key: Key, value: Value) -> None:
        with self._lock:
            self._entries[key] = value
            while len(self._entries) > 1 and sum(map(self._size_of, self._entries.values())) > self._max_bytes:
                del self._entries[next(iter(self._entries))]

    def cached_keys(self) -> frozenset[Key]:
        """What is in memory."""
        with self._lock:
            return frozenset(self._entries)

    def remove(self, key: Key) -> None:
        """Let one go; its memory is free when the last run that uses it has ended."""
        with self._lock:
            self._entries.pop(key, None)
