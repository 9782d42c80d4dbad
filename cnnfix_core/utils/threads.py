"""Number of threads: the last digits of a sum depend on how many threads compute it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit PyTorch and the walk to the calling thread, so that results do not depend on the number of cores.

    Results may still differ between processors with different instruction sets.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
