"""A cache shared by all visitors of a server, with a limit in bytes."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Cache(Generic[Key, Value]):
    """Large values by key. Above `max_bytes` in total, the least recently used go first.

    size_of: bytes of one value.
    """

    def __init__(self, max_bytes: int, size_of: Callable[[Value], int]) -> None:
        self._max_bytes, self._size_of = max_bytes, size_of
        self._entries: dict[Key, Value] = {}  # least recently used first
        self._lock = threading.Lock()
        self._making: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """The value of the key. If several visitors ask at once, one calls `make`, the others wait for its result."""
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
        """The keys in memory."""
        with self._lock:
            return frozenset(self._entries)

    def remove(self, key: Key) -> None:
        """Remove a value; its memory is freed when the last run that uses it has ended."""
        with self._lock:
            self._entries.pop(key, None)
