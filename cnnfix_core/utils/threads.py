"""How many threads compute: what several add up depends, in its last digits, on how many there are."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, PyTorch and the walk compute on the calling thread alone, so that numbers are the same on any machine.

    Any with the same instructions: PyTorch's libraries choose theirs by the processor.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
