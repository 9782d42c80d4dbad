"""Progress of a long command."""

from __future__ import annotations

import sys
import threading
import time

from cnnfix_core.utils import duration

_SECONDS_IN_A_FILE = 10  # between lines where no terminal draws over them


class ProgressLine:
    """Prints the progress and the remaining time to stderr; called with (done, total), also at the start."""

    def __init__(self) -> None:
        self._before: int | None = None
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


class Waiting:
    """Says from the second second on what a command is computing, for how long, and how much of it is done.

    Where no terminal draws over a line, it says so every ten seconds.

    A context manager; calls say the share, 0 to 1, and what is computed now.
    """

    def __init__(self, what: str) -> None:
        self._what, self._share = what, 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._print, daemon=True)

    def __enter__(self) -> Waiting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def __call__(self, share: float, what: str | None = None) -> None:
        """Say how much is done, and what is computed now."""
        self._share, self._what = share, what or self._what

    def _print(self) -> None:
        started, printed, drawn = time.monotonic(), False, sys.stderr.isatty()
        while not self._done.wait(1 if drawn else _SECONDS_IN_A_FILE):
            share = f", {100 * self._share:.0f} %" if self._share else ""
            line = f"{self._what}{share}, {duration(time.monotonic() - started)}"
            print(f"\r{line:60}" if drawn else line, end="" if drawn else "\n", file=sys.stderr, flush=True)
            printed = True
        if printed and drawn:
            print(f"\r{'':60}\r", end="", file=sys.stderr, flush=True)
