"""Computes what a visitor is likely to ask next, while nobody waits for anything."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from cnnfix_core.errors import CnnfixError
from cnnfix_ui.server.turns import turns
from cnnfix_ui.server.visitors import Visitor

_log = logging.getLogger(__name__)
_POLL_SECONDS, _CALM_POLLS = 0.1, 5  # so often in a row nobody may wait: with many visitors, hardly ever
_MOST_VISITORS = 8


class Ahead:
    """Work that may be done ahead, most recent visitor first.

    Args:
        idle: whether nobody waits for anything; work begins when that was so for half a second.
    """

    def __init__(self, idle: Callable[[], bool]) -> None:
        self._idle = idle
        self._change = threading.Condition()
        self._work: dict[Visitor, list[Callable[[], object]]] = {}  # most recent visitor last
        self._started = False
        self._calm = 0

    def start(self) -> None:
        """Begin. Only a server does; elsewhere nothing is done ahead."""
        self._started = True
        threading.Thread(target=self._run, name="ahead", daemon=True).start()

    def prepare(self, visitor: Visitor, work: Sequence[Callable[[], object]]) -> None:
        """Do this work, likeliest first, when there is time. It replaces what was left for the same visitor."""
        if not self._started:
            return
        with self._change:
            self._work.pop(visitor, None)
            self._work[visitor] = list(work)
            for name in list(self._work)[:-_MOST_VISITORS]:
                del self._work[name]
            self._change.notify()

    def _run(self) -> None:
        while True:
            work = self._next()
            try:
                work()
            except CnnfixError:
                pass  # a visitor who asks for it is told
            except Exception:
                _log.exception("What was done ahead failed")
            finally:
                del work  # it holds the visitor's picture, and perhaps a network

    def _next(self) -> Callable[[], object]:
        while True:
            with self._change:
                self._change.wait_for(lambda: any(self._work.values()))
            time.sleep(_POLL_SECONDS)
            self._calm = self._calm + 1 if self._idle() else 0
            with self._change:
                waiting = next((work for work in reversed(self._work.values()) if work), None)
                if waiting and self._calm >= _CALM_POLLS:
                    return waiting.pop(0)


ahead = Ahead(idle=turns.idle)
