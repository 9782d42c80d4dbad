"""What a text of a lesson becomes."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from mdurl import _encode

from cnnfix_core.lessons import read_prose

THREADS, TIMES = 4, 100


def test_the_first_links_may_be_read_by_several_threads_at_once() -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(TIMES):
            _encode.encode_cache.clear()  # as in a process that has just started
            together = Barrier(THREADS)

            def read(_: int, together: Barrier = together) -> str:
                together.wait()
                return read_prose("See [it](https://example.org/a%20b).")[0][0].spans[1].link

            with ThreadPoolExecutor(THREADS) as pool:
                assert set(pool.map(read, range(THREADS))) == {"https://example.org/a%20b"}
    finally:
        sys.setswitchinterval(interval)
