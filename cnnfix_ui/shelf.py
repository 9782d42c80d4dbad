"""The networks in memory, for all visitors of a server."""

from __future__ import annotations

import threading
from collections import defaultdict
from itertools import chain

from cnnfix_core import Model, load_model
from cnnfix_core.zoo import Progress

# Four of the largest networks of the paper.
ROOM = 2_500_000_000


class Shelf:
    """Networks by name. When there are more than `room` bytes, the one that was not asked for longest goes."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._models: dict[str, Model] = {}  # the one asked for last comes last
        self._lock = threading.Lock()
        self._loading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def get(self, name: str, progress: Progress | None = None) -> Model:
        """The network; of several visitors who want it at once one loads it. Raises ModelError as `load_model`."""
        with self._lock:
            loading = self._loading[name]
        with loading:
            model = self._models.get(name) or load_model(name, progress)
            with self._lock:
                self._models.pop(name, None)
                self._models[name] = model
                while len(self._models) > 1 and sum(map(_bytes, self._models.values())) > self._room:
                    del self._models[next(iter(self._models))]
        return model

    def names(self) -> frozenset[str]:
        """The networks that are in memory."""
        with self._lock:
            return frozenset(self._models)

    def remove(self, name: str) -> None:
        """Let a network go; its memory is free when the last run that asks it has ended."""
        with self._lock:
            self._models.pop(name, None)


def _bytes(model: Model) -> int:
    return sum(tensor.nbytes for tensor in chain(model.module.parameters(), model.module.buffers()))
