"""What is kept only while it is needed: drawings of a picture, and memory that is free."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnfix_core import open_picture
from cnnfix_ui.components.kept import kept_with_first
from cnnfix_ui.components.panels.component import photo_uri, thumbnail
from cnnfix_ui.server import heap

_FREES = """
import re
from cnnfix_ui.server import heap

def megabytes():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\\s+(\\d+)", status.read())[1]) / 1000

parts = [bytes(10_000) for _ in range(20_000)]
last = parts.pop()  # keeps what lies before it in the heap
full = megabytes()
del parts
heap.give_back()
print(full - megabytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux and its C library")
def test_free_memory_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", _FREES], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 150


def test_drawings_of_a_picture_go_with_it() -> None:
    picture = open_picture(np.zeros((400, 600, 3), np.uint8))
    assert photo_uri(picture) == photo_uri(picture)
    assert thumbnail(picture) == thumbnail(picture)
    gone = weakref.ref(picture)
    del picture
    gc.collect()
    assert gone() is None


def test_what_is_made_of_an_object_is_made_once_for_each_value() -> None:
    calls: list[int] = []

    @kept_with_first
    def made(array: NDArray[np.float64], factor: int) -> float:
        calls.append(factor)
        return float(array.sum()) * factor

    array = np.ones(3)
    assert [made(array, 2), made(array, 2), made(array, 3), made(np.ones(2), 2)] == [6, 6, 9, 4]
    assert calls == [2, 3, 2]


def test_the_session_of_somebody_who_came_early_is_not_kept_for_ever() -> None:
    class Session:
        """Refers to itself, as sessions do."""

        def __init__(self) -> None:
            self.itself = self

    frozen, session = gc.get_freeze_count(), Session()
    gone = weakref.ref(session)
    try:
        assert not heap.freeze_if(lambda: False)  # somebody is there
        answers = iter([True, False])  # somebody comes meanwhile
        assert not heap.freeze_if(lambda: next(answers))
        assert gc.get_freeze_count() <= frozen
        del session
        gc.collect()
        assert gone() is None
        assert heap.freeze_if(lambda: True)
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()
