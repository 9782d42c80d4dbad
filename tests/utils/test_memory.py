"""Freed memory is kept where that was asked for, and there only."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from cnnfix_core.utils import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def use():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    parts = [np.ones(250_000) for _ in range(32)]
    del parts
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(max(use(), use()), use())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of other systems is left alone")
def test_pages_that_were_freed_are_used_again() -> None:
    def faults(how: str) -> list[int]:
        done = subprocess.run([sys.executable, "-c", FAULTS, how], check=True, capture_output=True, text=True)
        return [int(number) for number in done.stdout.split()]

    first, later = faults("kept")
    assert first > 10_000
    assert later < 100
    assert faults("given back")[1] > 10_000
