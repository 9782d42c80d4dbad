"""Whether other processes run, and where one may listen."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from pathlib import Path


def free_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not. Linux only."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_ended(pids: Iterable[int], seconds: float = 60) -> None:
    """Wait for the end of all. Raises AssertionError."""
    end = time.monotonic() + seconds
    for pid in pids:
        while alive(pid):
            assert time.monotonic() < end, f"process {pid} still runs"
            time.sleep(0.05)
