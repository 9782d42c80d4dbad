"""Have an untrusted file read and tried in a process of its own, with limits on memory and time.

The process hands back numbers and a description, never Python objects, or a sentence. So whatever a file makes its
reader do, loop, take memory or crash, costs the process that asked nothing but the wait. One file is read at a time.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from cnnfix_core.errors import ModelError

MAX_MEMORY = 2_000_000_000  # bytes, beyond three times those of the file
MAX_SECONDS, MAX_WAIT = 20, 60  # of a processor, and by the clock
MAX_FACTS = 32_000_000  # bytes of a description

log = logging.getLogger(__name__)
Watch = Callable[[float], object]
Library = Literal["", "torchvision", "timm"]
LIBRARIES: dict[Library, bytes] = {"": b".", "torchvision": b"v", "timm": b"t"}

_POLL = 0.2  # seconds
_AT_ONCE = 1 << 20
_one_at_a_time = threading.Lock()


def possible() -> bool:
    """Whether this system can do it: Windows cannot."""
    return hasattr(os, "fork")


def ask(
    request: bytes, content: bytes, name: str, library: Library = "", watch: Watch | None = None
) -> tuple[bytes, bytes]:
    """What `opening.examined` says of the file, in a process of its own.

    Args:
        request: a pickle, which the process reads: it must come from this package alone.
        content: the file.
        name: of the file, for messages.
        library: what the process is to have imported.
        watch: called a few times a second with the seconds since the start; an error that it raises ends the reading.

    Returns:
        The description as JSON, and the tensors as safetensors.

    Raises:
        ModelError: what is wrong with the file, in a sentence.
    """
    tick = _Ticker(watch)
    while not _one_at_a_time.acquire(timeout=_POLL):
        tick()
    try:
        return _ask(request, content, name, library, tick)
    finally:
        _one_at_a_time.release()


class _Ticker:
    def __init__(self, watch: Watch | None) -> None:
        self._watch, self._started = watch, time.monotonic()
        self._next = self._started + _POLL

    def __call__(self) -> None:
        now = time.monotonic()
        if self._watch is not None and now >= self._next:
            self._next = now + _POLL
            self._watch(now - self._started)


def _ask(request: bytes, content: bytes, name: str, library: Library, tick: Callable[[], None]) -> tuple[bytes, bytes]:
    mine, pid = _reader.connected(library, tick)
    ended = False  # its number may then be that of another process
    with mine:
        try:
            for part in (json.dumps([MAX_MEMORY, MAX_SECONDS, MAX_WAIT]).encode(), request, content):
                send(mine, part, tick)
            kind = receive(mine, 1, tick)
            if kind == b"!":
                ended = True
                raise _ended(receive(mine, 1, tick)[0], name)
            facts = receive_part(mine, MAX_FACTS, tick)
            tensors = receive_part(mine, 2 * len(content) + MAX_FACTS, tick) if kind == b"+" else b""
            ended = True
            if kind == b"+":
                return facts, tensors
            raise ModelError(facts.decode("utf-8", "replace"))
        except (OSError, EOFError) as error:
            raise _ended(0, name) from error
        finally:
            if not ended:
                with suppress(OSError):
                    os.kill(pid, signal.SIGKILL)


def _ended(number: int, name: str) -> ModelError:
    log.warning("The process that read a model file ended by signal %d", number)
    if number in (signal.SIGXCPU, signal.SIGALRM):
        return ModelError(f"{name} takes more than {MAX_SECONDS} s to read and to try, so it is not opened.")
    if number in (0, signal.SIGKILL):
        return ModelError(f"{name} takes too much memory or time to read and to try, so it is not opened.")
    return ModelError(f"{name} made its reader crash, so it is not opened: export it again without unusual operations.")


# --- what is sent -----------------------------------------------------------------------------------------------------


def send(to: socket.socket, part: bytes, tick: Callable[[], None] = lambda: None) -> None:
    """Send the length and the bytes."""
    for whole in (len(part).to_bytes(8, "little"), part):
        rest = memoryview(whole)
        while rest:
            with suppress(TimeoutError):
                rest = rest[to.send(rest[:_AT_ONCE]) :]
            tick()


def receive(source: socket.socket, count: int, tick: Callable[[], None] = lambda: None) -> bytearray:
    """Receive so many bytes. Raises EOFError if there are less."""
    found = bytearray()
    while len(found) < count:
        with suppress(TimeoutError):
            some = source.recv(min(count - len(found), _AT_ONCE))
            if not some:
                raise EOFError
            found += some
        tick()
    return found


def receive_part(source: socket.socket, most: int, tick: Callable[[], None] = lambda: None) -> bytes:
    """Receive what `send` sent. Raises EOFError if it is longer than `most`."""
    length = int.from_bytes(receive(source, 8, tick), "little")
    if length > most:
        raise EOFError
    return bytes(receive(source, length, tick))


# --- the process ------------------------------------------------------------------------------------------------------


class _Reader:
    """A process that has imported what readers need, and makes a copy of itself for each file."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0

    def connected(self, library: Library, tick: Callable[[], None]) -> tuple[socket.socket, int]:
        """A connection to a fresh process, and its number. Raises ModelError."""
        for _ in range(2):  # it may have been ended from outside
            mine, its = socket.socketpair()
            mine.settimeout(_POLL)
            try:
                with its:
                    socket.send_fds(self._running(), [LIBRARIES[library]], [its.fileno()])
                return mine, int.from_bytes(receive(mine, 8, tick), "little")
            except (OSError, EOFError):
                self._control = None
                mine.close()
            except BaseException:
                mine.close()
                raise
        raise ModelError("The process that reads model files cannot be started: try again.")

    def _running(self) -> socket.socket:
        alive = self._process is not None and self._process.poll() is None and self._owner == os.getpid()
        if self._control is None or not alive:
            self._control, its = socket.socketpair()
            with its:
                code = (
                    f"import sys; sys.path[:] = {sys.path!r}; "
                    f"from cnnfix_core.zoo.untrusted import reader_process; reader_process.main({its.fileno()})"
                )
                self._process = subprocess.Popen(
                    [sys.executable, "-c", code],
                    pass_fds=[its.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,  # Ctrl+C is not for it; it ends when this process does
                )
            self._owner = os.getpid()
        return self._control

    def end(self) -> None:
        """End the process, which otherwise ends soon after this one."""
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        if self._control is not None:
            self._control.close()


_reader = _Reader()
atexit.register(_reader.end)
