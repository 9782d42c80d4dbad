"""Processes that end when they should."""

from __future__ import annotations

import _thread
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import wait


class EndingWithParent:
    """How a process of `multiprocessing` begins so that it ends at once when its parent has, also if that was killed.

    A worker that waits for work would otherwise stay for ever, with all its memory. It reads `begin` and `args` only
    when it watches its parent: their imports take seconds, during which it would not notice.
    """

    def __init__(self, begin: Callable[..., object] | None = None, *args: object) -> None:
        self._rest = pickle.dumps((begin, args))

    def __call__(self) -> None:
        """Begin."""
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=_end_after, args=(parent.sentinel,), name="end-with-parent", daemon=True).start()
        begin, args = pickle.loads(self._rest)
        if begin is not None:
            begin(*args)


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def without_ctrl_c_in_new_processes() -> Iterator[None]:
    """Processes that are started inside the block never see Ctrl+C, which reaches all processes of a terminal.

    They end with their parent, see `EndingWithParent`; without this, each would print a traceback first. For this
    process, a Ctrl+C that comes meanwhile is not lost: it comes at the latest at the end of the block. On Windows,
    which knows no blocked signals, the block does nothing.
    """
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # it would unblock the signal when the first process starts it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def no_ctrl_c_lost() -> Iterator[None]:
    """Inside the block a Ctrl+C that comes during a callback from C, where Python drops exceptions, comes again."""
    before = sys.unraisablehook

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            again = threading.Timer(_AFTER_CALLBACK, _interrupt_main_thread)
            again.daemon = True
            again.start()
        else:
            before(dropped)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


_AFTER_CALLBACK = 0.1  # seconds


def _interrupt_main_thread() -> None:
    main = threading.main_thread().ident
    if sys.platform == "win32" or main is None:
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main, signal.SIGINT)  # also wakes it where it waits
