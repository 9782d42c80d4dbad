"""Who computes now: as many at once as there are processors, the others in the order in which they came.

Whoever has a turn must not wait for what another computes under a cache's lock: that one may be waiting for a turn.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from cnnfix_ui.errors import UserError

_PROCESSORS = os.cpu_count() or 1
_EVERY = 0.5  # seconds between two looks at one's place
Say = Callable[[int], object]


class Turns:
    """A queue. places: so many compute at once; long: so many of them may take long, so that quick ones get through.

    most: so many may wait; who comes then is told so.
    """

    def __init__(self, places: int, long: int, most: int) -> None:
        self._places, self._long, self._most = places, long, most
        self._change = threading.Condition()
        self._waiting: list[tuple[object, bool]] = []
        self._running = {True: 0, False: 0}
        self._mine = threading.local()

    @contextmanager
    def taken(self, long: bool = False, say: Say | None = None) -> Iterator[None]:
        """Wait for a place, and keep it inside; who has one already goes on.

        say: called while waiting, with how many are ahead; what it raises ends the waiting. Raises UserError where too
        many wait.
        """
        if getattr(self._mine, "has", False):
            yield
            return
        self._wait(long, say)
        self._mine.has = True
        self._share_processors()
        try:
            yield
        finally:
            self._mine.has = False
            with self._change:
                self._running[long] -= 1
                self._change.notify_all()

    def _wait(self, long: bool, say: Say | None) -> None:
        ticket = object(), long
        with self._change:
            if len(self._waiting) >= self._most:
                raise UserError(f"{len(self._waiting)} others wait for an answer: try again in a minute.")
            self._waiting.append(ticket)
        try:
            while not self._enter(ticket):
                if say:
                    say(self.ahead(ticket))
        finally:
            with self._change:
                self._waiting.remove(ticket)
                self._change.notify_all()

    def _enter(self, ticket: tuple[object, bool]) -> bool:
        with self._change:
            if not self._change.wait_for(lambda: self._next() is ticket, _EVERY):
                return False
            self._running[ticket[1]] += 1
            return True

    def _share_processors(self) -> None:
        """Let this thread compute on the processors that others leave it: more threads would wait for each other."""
        import torch

        with self._change:
            others = sum(self._running.values()) + len(self._waiting)
        torch.set_num_threads(max(1, _PROCESSORS // min(self._places, others)))

    def _next(self) -> tuple[object, bool] | None:
        """Whose turn it is: the first who waits and for whom there is a place."""
        free = sum(self._running.values()) < self._places
        return next((one for one in self._waiting if free and (not one[1] or self._running[True] < self._long)), None)

    def ahead(self, ticket: tuple[object, bool]) -> int:
        """How many wait before this one."""
        with self._change:
            return self._waiting.index(ticket)


turns = Turns(places=max(2, _PROCESSORS), long=max(1, _PROCESSORS // 2), most=100)


@contextmanager
def in_turn(long: bool = False) -> Iterator[None]:
    """Wait for a place in a visitor's run, and say on the page, where it stands, how many are ahead.

    Not below Streamlit's caches, which draw again what was drawn while they were filled: `turns.taken` is for those.
    """
    slot: list[Any] = []

    def say(ahead: int) -> None:
        if not slot:
            slot.append(st.empty())
        others = "1 other visitor is" if ahead == 1 else f"{ahead} other visitors are"
        slot[0].caption(f"{others} ahead of you …" if ahead else "You are next …")

    with turns.taken(long, say):
        if slot:
            slot[0].empty()
        yield
