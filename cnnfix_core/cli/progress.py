"""Progress of a long command."""

from __future__ import annotations

import sys
import time

from cnnfix_core.utils import duration


class ProgressLine:
    """Prints the progress and the remaining time to stderr; called with (done, total).

    Args:
        before: How much was done at the start; None for the number of the first call.
    """

    def __init__(self, before: int | None = None) -> None:
        self._before = before
        self._started = self._printed = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Print the progress, at most once a second."""
        if self._before is None:
            self._before = done
        now = time.monotonic()
        if now - self._printed < 1 and done < total:
            return
        self._printed = now
        line = f"{done:,} of {total:,} ({done / total:.0%})".replace("%", " %")
        if done > self._before:
            line += f", {duration((now - self._started) / (done - self._before) * (total - done))} left"
        print(f"\r{line:60}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """End the progress line, if there is one."""
        if self._printed > self._started:
            print(file=sys.stderr)
