"""Work on several threads, for loops that Numba compiled: they let other threads run."""

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
    """What work(0) ... work(parts - 1) give, on this thread and others; whoever is free takes the next part.

    On as many threads as PyTorch uses: who limits it means this too.
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
        if not other.cancel():  # busy with somebody else's parts: nothing is left for it here
            other.result()
    return [results[part] for part in range(parts)]
