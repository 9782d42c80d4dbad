"""A queue for computing: as many at once as there are processors, and visitors take turns.

A thread that has a place must not wait for a cache entry that another thread is computing: that thread may itself be
waiting for a place.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cnnfix_ui.errors import UserError
from cnnfix_ui.server.visitors import NOBODY, Visitor, visitor

_PROCESSORS = os.cpu_count() or 1
_POLL_SECONDS = 0.5  # between two checks of the position in the queue
_MAX_KNOWN = 10_000  # visitors whose last turn is remembered
OnWait = Callable[[int], object]


@dataclass(eq=False)
class _Ticket:
    """A thread that waits. pushed_out: another visitor took its place in a full queue."""

    visitor: Visitor
    long: bool
    pushed_out: bool = False


class Turns:
    """A queue for computing. Next is who was served least recently: the address, then the browser, then the request.

    Args:
        places: how many threads compute at once.
        long: how many of them may do long work, so that quick work gets through.
        max_waiting: how many may wait. When the queue is full, the last request of the visitor who has most gives way.
        max_each: how many requests of one visitor may wait; the next one gets an error.
    """

    def __init__(self, places: int, long: int, max_waiting: int, max_each: int = 30) -> None:
        self._places, self._long, self._max_waiting, self._max_each = places, long, max_waiting, max_each
        self._change = threading.Condition()
        self._waiting: list[_Ticket] = []
        self._running = {True: 0, False: 0}
        self._served: dict[str | Visitor, int] = {}
        self._number = itertools.count(1)
        self._local = threading.local()

    @contextmanager
    def acquired(self, long: bool = False, on_wait: OnWait | None = None, who: Visitor | None = None) -> Iterator[None]:
        """Wait for a place and hold it inside the block; a thread that has one already goes straight on.

        Args:
            long: the work may take seconds.
            on_wait: called while waiting, with the number of requests ahead; an error it raises ends the wait.
            who: for whom; None for the visitor whose page this thread draws.

        Raises:
            UserError: Too many are waiting.
        """
        if getattr(self._local, "has", False):
            yield
            return
        self._wait(_Ticket(visitor() if who is None else who, long), on_wait)
        self._local.has = True
        self._share_processors()
        try:
            yield
        finally:
            self._local.has = False
            with self._change:
                self._running[long] -= 1
                self._change.notify_all()

    def idle(self) -> bool:
        """Whether nobody computes or waits."""
        with self._change:
            return not self._waiting and not any(self._running.values())

    def _wait(self, ticket: _Ticket, on_wait: OnWait | None) -> None:
        with self._change:
            self._make_room(ticket.visitor)
            self._waiting.append(ticket)
        try:
            while not self._enter(ticket):
                if ticket.pushed_out:
                    raise UserError("Many visitors are waiting, and you ask most: try again in a minute.")
                if on_wait:
                    on_wait(self.ahead(ticket))
        finally:
            with self._change:
                if not ticket.pushed_out:
                    self._waiting.remove(ticket)
                self._change.notify_all()

    def _make_room(self, who: Visitor) -> None:
        """Raise UserError if nobody who waits has more requests than this visitor and there is no place to wait."""
        counts = Counter(one.visitor for one in self._waiting)
        if counts[who] >= self._max_each:
            raise UserError(f"{counts[who]} of your pages are waiting: close some of them, or try again in a minute.")
        if len(self._waiting) < self._max_waiting:
            return
        (most, count), *_ = counts.most_common(1)
        if counts[who] + 1 >= count:
            raise UserError(f"{len(self._waiting)} other visitors are waiting: try again in a minute.")
        last = next(one for one in reversed(self._waiting) if one.visitor == most)
        last.pushed_out = True
        self._waiting.remove(last)
        self._change.notify_all()

    def _enter(self, ticket: _Ticket) -> bool:
        with self._change:
            if not self._change.wait_for(lambda: ticket.pushed_out or self._next() is ticket, _POLL_SECONDS):
                return False
            if ticket.pushed_out:
                return False
            self._running[ticket.long] += 1
            if len(self._served) > _MAX_KNOWN:
                self._served.clear()
            self._served[ticket.visitor] = self._served[ticket.visitor.address] = next(self._number)
            return True

    def _share_processors(self) -> None:
        """Limit this thread to its share of the processors: more PyTorch threads would only wait for each other."""
        import torch

        with self._change:
            others = sum(self._running.values()) + len(self._waiting)
        torch.set_num_threads(max(1, _PROCESSORS // min(self._places, others)))

    def _next(self) -> _Ticket | None:
        """The waiting ticket for which there is a place and whose visitor was served least recently."""
        if sum(self._running.values()) >= self._places:
            return None
        fitting = (one for one in self._waiting if not one.long or self._running[True] < self._long)
        return min(fitting, key=self._last_turn, default=None)

    def _last_turn(self, ticket: _Ticket) -> tuple[int, int]:
        return self._served.get(ticket.visitor.address, 0), self._served.get(ticket.visitor, 0)

    def ahead(self, ticket: _Ticket) -> int:
        """How many are waiting in front of this one."""
        with self._change:
            if ticket.pushed_out:
                return len(self._waiting)
            return sorted(self._waiting, key=self._last_turn).index(ticket)


turns = Turns(places=max(2, _PROCESSORS), long=max(1, _PROCESSORS // 2), max_waiting=100)


@contextmanager
def in_turn(long: bool = False) -> Iterator[None]:
    """Wait for a place, and show on the page how many requests are ahead.

    Do not use it inside functions cached by Streamlit, which would replay what was drawn: use `turns.acquired` there.
    """
    slot: list[Any] = []

    def on_wait(ahead: int) -> None:
        if not slot:
            slot.append(st.empty())
        others = "1 other question is" if ahead == 1 else f"{ahead} other questions are"
        slot[0].caption(f"{others} ahead of you …" if ahead else "You are next …")

    with turns.acquired(long, None if visitor() is NOBODY else on_wait):
        if slot:
            slot[0].empty()
        yield
