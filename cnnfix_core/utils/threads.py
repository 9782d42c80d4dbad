"""Threads: how many compute, and what those that wait do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_POLICY = "OMP_WAIT_POLICY"


def waiting_policy() -> dict[str, str]:
    """The environment variable that lets threads with nothing to compute sleep, unless it is set to something else.

    By default they spin for a while, which makes everything about ten times slower where more threads run than there
    are processors. PyTorch reads the variable when it is loaded.
    """
    return {_POLICY: os.environ.get(_POLICY, "PASSIVE")}


def let_idle_threads_sleep() -> None:
    """Let idle threads sleep in this process and those that it starts. Call it before anything imports PyTorch."""
    os.environ.update(waiting_policy())


@contextmanager
def sleeping_in_new_processes() -> Iterator[None]:
    """Let idle threads sleep in processes that are started inside the block; this process stays as it is."""
    before = os.environ.get(_POLICY)
    let_idle_threads_sleep()
    try:
        yield
    finally:
        if before is None:
            del os.environ[_POLICY]


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit PyTorch and the walk to the calling thread, so that results do not depend on the number of cores.

    Results may still differ between processors with different instruction sets.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
