"""Memory that is free goes back to the system: by itself, the C library keeps what thirty visitors once needed."""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time

_ARENA_MAX, _ARENAS = -8, 2  # `M_ARENA_MAX` of malloc.h
_EVERY_SECONDS = 2.0
_WORTH_IT = 0.5  # seconds of a processor


def keep_small() -> None:
    """Let threads share two heaps rather than have up to eight for each processor; call it before they start.

    From now on a thread gives back what is free every few seconds, if anything was computed meanwhile. It does nothing
    where the C library is not GNU's.
    """
    library = _library()
    if library is not None:
        library.mallopt(_ARENA_MAX, _ARENAS)
        threading.Thread(target=_give_back_for_ever, name="heap", daemon=True).start()


def give_back() -> None:
    """Collect circles of objects, such as ended sessions, and return free memory to the system."""
    gc.collect()
    library = _library()
    if library is not None:
        library.malloc_trim(0)


def _give_back_for_ever() -> None:
    used = 0.0
    while True:
        time.sleep(_EVERY_SECONDS)
        if time.process_time() - used > _WORTH_IT:
            give_back()
            used = time.process_time()


def _library() -> ctypes.CDLL | None:
    """The GNU C library of this process, if it has that one."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "malloc_trim") else None
