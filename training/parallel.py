"""Making many examples on both processors."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from typing import TypeVar

from cnnfix_core.utils import EndingWithParent

Made = TypeVar("Made")
_PROCESSES, _AT_ONCE = 2, 50


def made(make: Callable[[int], Made], seeds: range) -> list[Made]:
    """What `make`, a function of a module, gives for each seed; the processes end with this one, however it ends."""
    with get_context("spawn").Pool(_PROCESSES, EndingWithParent()) as pool:
        return pool.map(make, seeds, chunksize=_AT_ONCE)
