"""Memory that is free goes back to the system: by itself, the C library keeps what thirty visitors once needed."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable

from cnnfix_core.utils import c_library

_ARENA_MAX, _ARENAS = -8, 2  # `M_ARENA_MAX` of malloc.h
_EVERY_SECONDS = 2.0
_WORTH_IT = 0.5  # seconds of a processor
_circles = threading.Event()
_to_freeze: list[Callable[[], bool]] = []


def keep_small() -> None:
    """Let threads share two heaps rather than have up to eight for each processor; call it before they start.

    From now on a thread gives back what is free every few seconds, if anything was computed meanwhile. Where the C
    library is not GNU's, it only collects circles.
    """
    library = c_library()
    if library is not None:
        library.mallopt(_ARENA_MAX, _ARENAS)
    threading.Thread(target=_give_back_for_ever, name="heap", daemon=True).start()


def give_back() -> None:
    """Collect circles of objects, such as ended sessions, and return free memory to the system."""
    gc.collect()
    _trim()


def _trim() -> None:
    library = c_library()
    if library is not None:
        library.malloc_trim(0)


def give_back_soon() -> None:
    """Let the thread collect circles when it comes round: a full collection stops everybody for a tenth of a second.

    For whoever has just ended a session; by itself, Python looks for circles only when much is created.
    """
    _circles.set()


def freeze_when(nobody: Callable[[], bool]) -> None:
    """Soon, let the garbage collector scan no more what is loaded now, once nobody is there.

    What is frozen is never collected: the session of somebody who came early would stay for ever, with its network.
    """
    _to_freeze.append(nobody)


def freeze_if(nobody: Callable[[], bool]) -> bool:
    """Freeze what there is now if nobody is there, before and after; whether it was done."""
    if not nobody():
        return False
    give_back()
    gc.freeze()
    if nobody():
        return True
    gc.unfreeze()
    return False


def _give_back_for_ever() -> None:
    used = 0.0
    while True:
        time.sleep(_EVERY_SECONDS)
        if _to_freeze and freeze_if(_to_freeze[0]):
            _to_freeze.clear()
        elif _circles.is_set():
            _circles.clear()
            give_back()
        elif time.process_time() - used > _WORTH_IT:
            _trim()
        else:
            continue
        used = time.process_time()
