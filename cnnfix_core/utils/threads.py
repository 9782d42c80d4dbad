"""Threads: how many compute, and what those that wait do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

_POLICY, _SPINS = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
# Threads look for work this often before they sleep, for as long as Python takes between two layers: see
# docs/performance.md.
_BEFORE_SLEEP = "8000"


def waiting_policy() -> dict[str, str]:
    """The environment variables that soon let threads with nothing to compute sleep; those that are set stay.

    By default they look for work far longer, which makes everything about ten times slower where more threads run than
    there are processors. If they slept at once, waking them would take longer than small layers. PyTorch reads the
    variables when it is loaded.
    """
    if _POLICY in os.environ:
        return {name: os.environ[name] for name in (_POLICY, _SPINS) if name in os.environ}
    return {_POLICY: "PASSIVE", _SPINS: os.environ.get(_SPINS, _BEFORE_SLEEP)}


def let_idle_threads_sleep() -> None:
    """Let idle threads sleep in this process and those that it starts. Call it before anything imports PyTorch."""
    os.environ.update(waiting_policy())


@contextmanager
def sleeping_in_new_processes() -> Iterator[None]:
    """Let idle threads sleep in processes that are started inside the block; this process stays as it is."""
    added = [name for name in waiting_policy() if name not in os.environ]
    let_idle_threads_sleep()
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


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
