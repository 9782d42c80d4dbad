"""How far a long command is."""

from __future__ import annotations

import sys
import time

from cnnfix_core.utils import duration


class Clock:
    """Says on stderr how far it is and how long it will take; called with (done, in all).

    before: how much was done when it began; None: what it is first called with.
    """

    def __init__(self, before: int | None = None) -> None:
        self._before = before
        self._started = self._said = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Say it, once a second at most."""
        if self._before is None:
            self._before = done
        now = time.monotonic()
        if now - self._said < 1 and done < total:
            return
        self._said = now
        line = f"{done:,} of {total:,} ({done / total:.0%})".replace("%", " %")
        if done > self._before:
            line += f", {duration((now - self._started) / (done - self._before) * (total - done))} left"
        print(f"\r{line:60}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """A new line, where one was begun."""
        if self._said > self._started:
            print(file=sys.stderr)
