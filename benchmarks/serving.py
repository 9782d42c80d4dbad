"""The app as a process of its own, for benchmarks. The environment may set Streamlit's options: STREAMLIT_RUNNER_..."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_CNNFIX = [sys.executable, "-c", "from cnnfix_core.cli.main import main; raise SystemExit(main())"]
_LONGEST_START = 60.0  # seconds
_HERTZ = os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """A server that runs: its port, and the process of the command that started it."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """The address of its pages."""
        return f"http://localhost:{self.port}"

    @property
    def megabytes(self) -> float:
        """Its memory."""
        return self._memory("VmRSS")

    @property
    def most_megabytes(self) -> float:
        """The most that it has taken so far."""
        return self._memory("VmHWM")

    def wait_until_healthy(self) -> None:
        """Wait until it answers. Raises TimeoutError."""
        end = time.monotonic() + _LONGEST_START
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health") as answer:
                    if answer.read() == b"ok":
                        return
            except OSError:
                time.sleep(0.02)
        raise TimeoutError("The server does not start.")

    def wait_until_idle(self, seconds: float = 1.0) -> None:
        """Wait until it has computed next to nothing for so long: nobody sees the warm-up end."""
        used = -1.0
        while (now := self.processor_seconds) - used > 0.1 * seconds:
            used = now
            time.sleep(seconds)

    @property
    def processor_seconds(self) -> float:
        """What it has computed since it was started."""
        found = ((process / "stat").read_text().rpartition(")")[2].split()[11:13] for process in self._processes())
        return sum(int(user) + int(system) for user, system in found) / _HERTZ

    def _memory(self, kind: str) -> float:
        found = (re.findall(rf"{kind}:\s+(\d+)", (process / "status").read_text()) for process in self._processes())
        return sum(int(one[0]) for one in found) / 1000

    def _processes(self) -> list[Path]:
        """The command's process and the one that it started."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [Path("/proc") / str(one) for one in (self.pid, *children)]


@contextmanager
def started() -> Iterator[Server]:
    """`cnnfix app`, from the moment at which the command is given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "STREAMLIT_SERVER_HEADLESS": "true"}
    with subprocess.Popen(
        [*_CNNFIX, "app", f"--port={port}"], env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a benchmark that is ended ends the server too
        try:
            yield Server(port, process.pid)
        finally:
            os.killpg(process.pid, signal.SIGTERM)


@contextmanager
def warm() -> Iterator[Server]:
    """`cnnfix app`, after its warm-up."""
    with started() as server:
        server.wait_until_healthy()
        server.wait_until_idle()
        yield server
