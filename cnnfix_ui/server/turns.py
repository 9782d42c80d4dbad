"""A queue for computing: as many at once as there are processors, the others in order of arrival.

A thread that has a place must not wait for a cache entry that another thread is computing: that thread may itself be
waiting for a place.
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
_POLL_SECONDS = 0.5  # between two checks of the position in the queue
OnWait = Callable[[int], object]


class Turns:
    """A queue for computing.

    Args:
        places: how many threads compute at once.
        long: how many of them may do long work, so that quick work gets through.
        max_waiting: how many may wait; the next one gets an error.
    """

    def __init__(self, places: int, long: int, max_waiting: int) -> None:
        self._places, self._long, self._max_waiting = places, long, max_waiting
        self._change = threading.Condition()
        self._waiting: list[tuple[object, bool]] = []
        self._running = {True: 0, False: 0}
        self._local = threading.local()

    @contextmanager
    def acquired(self, long: bool = False, on_wait: OnWait | None = None) -> Iterator[None]:
        """Wait for a place and hold it inside the block; a thread that has one already goes straight on.

        Args:
            long: the work may take seconds.
            on_wait: called while waiting, with the number of threads ahead; an error it raises ends the wait.

        Raises:
            UserError: Too many are waiting.
        """
        if getattr(self._local, "has", False):
            yield
            return
        self._wait(long, on_wait)
        self._local.has = True
        self._share_processors()
        try:
            yield
        finally:
            self._local.has = False
            with self._change:
                self._running[long] -= 1
                self._change.notify_all()

    def _wait(self, long: bool, on_wait: OnWait | None) -> None:
        ticket = object(), long
        with self._change:
            if len(self._waiting) >= self._max_waiting:
                raise UserError(f"{len(self._waiting)} other visitors are waiting: try again in a minute.")
            self._waiting.append(ticket)
        try:
            while not self._enter(ticket):
                if on_wait:
                    on_wait(self.ahead(ticket))
        finally:
            with self._change:
                self._waiting.remove(ticket)
                self._change.notify_all()

    def _enter(self, ticket: tuple[object, bool]) -> bool:
        with self._change:
            if not self._change.wait_for(lambda: self._next() is ticket, _POLL_SECONDS):
                return False
            self._running[ticket[1]] += 1
            return True

    def _share_processors(self) -> None:
        """Limit this thread to its share of the processors: more PyTorch threads would only wait for each other."""
        import torch

        with self._change:
            others = sum(self._running.values()) + len(self._waiting)
        torch.set_num_threads(max(1, _PROCESSORS // min(self._places, others)))

    def _next(self) -> tuple[object, bool] | None:
        """The first waiting ticket for which there is a place."""
        free = sum(self._running.values()) < self._places
        return next((one for one in self._waiting if free and (not one[1] or self._running[True] < self._long)), None)

    def ahead(self, ticket: tuple[object, bool]) -> int:
        """How many are waiting in front of this one."""
        with self._change:
            return self._waiting.index(ticket)


turns = Turns(places=max(2, _PROCESSORS), long=max(1, _PROCESSORS // 2), max_waiting=100)


@contextmanager
def in_turn(long: bool = False) -> Iterator[None]:
    """Wait for a place, and show on the page how many visitors are ahead.

    Do not use it inside functions cached by Streamlit, which would replay what was drawn: use `turns.acquired` there.
    """
    slot: list[Any] = []

    def on_wait(ahead: int) -> None:
        if not slot:
            slot.append(st.empty())
        others = "1 other visitor is" if ahead == 1 else f"{ahead} other visitors are"
        slot[0].caption(f"{others} ahead of you …" if ahead else "You are next …")

    with turns.acquired(long, on_wait):
        if slot:
            slot[0].empty()
        yield
