"""Run loops compiled by Numba, which release the GIL, on several threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

Result = TypeVar("Result")


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="cnnfix")


def in_parts(work: Callable[[int], Result], parts: int) -> list[Result]:
    """Return the results of work(0) ... work(parts - 1), run on this thread and others; a free thread takes the next.

    This uses as many threads as PyTorch, so limiting PyTorch's threads limits these too.
    """
    threads = torch.get_num_threads()
    if threads < 2 or parts < 2:
        return [work(part) for part in range(parts)]
    numbers, results = itertools.count(), dict[int, Result]()

    def take() -> None:
        while (part := next(numbers)) < parts:
            results[part] = work(part)

    others = [_pool(threads - 1).submit(take) for _ in range(min(threads, parts) - 1)]
    take()
    for other in others:
        if not other.cancel():  # a task that can be cancelled never started, and no parts are left for it
            other.result()
    return [results[part] for part in range(parts)]
