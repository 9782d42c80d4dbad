"""Processes of their own, with limits on memory and time, in which untrusted files are read and their networks run.

Such a process hands back numbers and a description, never Python objects, or a sentence. So whatever a file makes its
reader or PyTorch do, loop, take memory or crash, costs the process that asked nothing but the wait. One file is read at
a time; the process may stay after that, to answer questions about its model.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal, NamedTuple

from cnnfix_core import errors
from cnnfix_core.errors import CnnfixError, ModelError

MAX_MEMORY = 2_000_000_000  # bytes, beyond three times those of the file
MAX_SECONDS, MAX_WAIT = 20, 60  # of a processor, and by the clock, to read a file and to try its model
MAX_ANSWER_SECONDS, MAX_ANSWER_WAIT = 120, 240  # the same for each question that follows
MAX_FACTS = 32_000_000  # bytes of a description
MAX_ARRAYS = 256_000_000  # bytes of arrays in an answer

log = logging.getLogger(__name__)
Watch = Callable[[float], object]
Tick = Callable[[], None]
Heard = Callable[[bytes, bytes], None]
Library = Literal["", "torchvision", "timm"]
LIBRARIES: dict[Library, bytes] = {"": b".", "torchvision": b"v", "timm": b"t"}
# What comes from the process begins with: what was asked for, progress, an error, or the signal that ended it.
FOUND, PROGRESS, FAILED, ENDED = b"+", b"~", b"-", b"!"

_POLL = 0.2  # seconds
_AT_ONCE = 1 << 20
_one_at_a_time = threading.Lock()


class EndedError(ModelError):
    """The process was ended: it took too much, or crashed."""


def possible() -> bool:
    """Whether this system can do it: Windows cannot."""
    return hasattr(os, "fork")


def begun(
    request: bytes, content: bytes, name: str, library: Library = "", watch: Watch | None = None
) -> tuple[Process, bytes, bytes]:
    """A process that has read the file, and what `opening.examined` says of it there.

    Args:
        request: a pickle, which the process reads: it must come from this package alone.
        content: the file.
        name: of the file, for messages.
        library: what the process is to have imported.
        watch: called a few times a second with the seconds since the start; an error that it raises ends the reading.

    Returns:
        The process, the description as JSON, and the tensors as safetensors.

    Raises:
        ModelError: what is wrong with the file, in a sentence.
    """
    tick = ticker(watch)
    with acquired(_one_at_a_time, tick):
        process = Process(*_reader.connected(library, tick), name)
        try:
            return process, *process.read(request, content, tick)
        except CnnfixError as error:
            process.end()
            raise ModelError(str(error)) from error


def ticker(watch: Watch | None) -> Tick:
    """A function that calls `watch` a few times a second, with the seconds since now."""
    started = last = time.monotonic()

    def tick() -> None:
        nonlocal last
        now = time.monotonic()
        if watch is not None and now >= last + _POLL:
            last = now
            watch(now - started)

    return tick


@contextmanager
def acquired(lock: threading.Lock, tick: Tick) -> Iterator[None]:
    """Hold the lock inside the block; while others hold it, `tick` is called."""
    while not lock.acquire(timeout=_POLL):
        tick()
    try:
        yield
    finally:
        lock.release()


class _Limits(NamedTuple):
    """Of one request: seconds of a processor and by the clock, bytes of arrays; and how its end is told."""

    seconds: float
    wait: float
    arrays: int
    doing: str
    so: str


class Process:
    """A process that was started for one file.

    Attributes:
        ended: whether it has ended, so that it cannot be asked any more.
    """

    def __init__(self, connection: socket.socket, pid: int, name: str) -> None:
        self._connection, self._pid, self._name = connection, pid, name
        self.ended = False

    def read(self, request: bytes, content: bytes, tick: Tick) -> tuple[bytes, bytes]:
        """Send the file; what the process says of it. Raises CnnfixError."""
        sent = json.dumps([MAX_MEMORY, MAX_SECONDS, MAX_WAIT, MAX_ANSWER_SECONDS, MAX_ANSWER_WAIT]).encode()
        most = 2 * len(content) + MAX_FACTS
        limits = _Limits(MAX_SECONDS, MAX_WAIT, most, "to read and to try", "it is not opened")
        return self._said([sent, request, content], limits, tick)

    def answer(self, question: bytes, tick: Tick, heard: Heard) -> tuple[bytes, bytes]:
        """What the process answers.

        Args:
            question: a pickle, which the process reads: it must come from this package alone.
            tick: called all the time; an error that it raises ends the process.
            heard: called with what is reported on the way.

        Raises:
            CnnfixError: a sentence of the process, or about its end.
        """
        limits = _Limits(MAX_ANSWER_SECONDS, MAX_ANSWER_WAIT, MAX_ARRAYS, "to answer this", "there is no answer")
        return self._said([question], limits, tick, heard)

    def _said(
        self, parts: list[bytes], limits: _Limits, tick: Tick, heard: Heard = lambda text, arrays: None
    ) -> tuple[bytes, bytes]:
        tick = _at_most(limits.wait, tick)
        fine = False
        try:
            for part in parts:
                send(self._connection, part, tick)
            kind, *found = self._heard(limits, tick)
            while kind == PROGRESS:
                heard(*found)
                kind, *found = self._heard(limits, tick)
            fine = True
        except (OSError, EOFError) as error:
            raise self._end_told(0, limits) from error
        finally:
            if not fine:
                self.end()
        if kind == FAILED:
            raise self._error(found[0])
        return found[0], found[1]

    def _heard(self, limits: _Limits, tick: Tick) -> tuple[bytes, bytes, bytes]:
        """What comes next: its kind, a text, and arrays."""
        kind = bytes(receive(self._connection, 1, tick))
        if kind == ENDED:
            self.ended = True
            raise self._end_told(receive(self._connection, 1, tick)[0], limits)
        text = receive_part(self._connection, MAX_FACTS, tick)
        return kind, text, b"" if kind == FAILED else receive_part(self._connection, limits.arrays, tick)

    def _error(self, said: bytes) -> CnnfixError:
        """What the process met, of a class of this package; afterwards it ends if it is broken."""
        name, text, broken = json.loads(said)
        if broken:
            self.end()
        kind = getattr(errors, str(name), ModelError)
        fits = isinstance(kind, type) and issubclass(kind, CnnfixError)
        error: CnnfixError = (kind if fits else ModelError)(str(text))
        return error

    def _end_told(self, number: int, limits: _Limits) -> EndedError:
        log.warning("A process with a model file ended by signal %d", number)
        if number in (signal.SIGXCPU, signal.SIGALRM):
            return EndedError(f"{self._name} takes more than {limits.seconds} s {limits.doing}, so {limits.so}.")
        if number in (0, signal.SIGKILL):
            return EndedError(f"{self._name} takes too much memory or time {limits.doing}, so {limits.so}.")
        return EndedError(
            f"{self._name} made its process crash, so {limits.so}: export the network again without unusual operations."
        )

    def end(self) -> None:
        """End it, whatever it does."""
        if not self.ended:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
        self.ended = True  # its number may then be that of another process
        self._connection.close()


def _at_most(seconds: float, tick: Tick) -> Tick:
    """The same, with an end: the process has the same limit, and holds it unless something is wrong with it."""
    end = time.monotonic() + seconds + 2

    def limited() -> None:
        tick()
        if time.monotonic() > end:
            raise EOFError

    return limited


# --- what is sent -----------------------------------------------------------------------------------------------------


def send(to: socket.socket, part: bytes, tick: Tick = lambda: None) -> None:
    """Send the length and the bytes."""
    for whole in (len(part).to_bytes(8, "little"), part):
        rest = memoryview(whole)
        while rest:
            with suppress(TimeoutError):
                rest = rest[to.send(rest[:_AT_ONCE]) :]
            tick()


def receive(source: socket.socket, count: int, tick: Tick = lambda: None) -> bytearray:
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


def receive_part(source: socket.socket, most: int, tick: Tick = lambda: None) -> bytes:
    """Receive what `send` sent. Raises EOFError if it is longer than `most`."""
    length = int.from_bytes(receive(source, 8, tick), "little")
    if length > most:
        raise EOFError
    return bytes(receive(source, length, tick))


# --- the process ------------------------------------------------------------------------------------------------------


class _Reader:
    """The process that has imported what readers need, and makes a copy of itself for each file."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owner = 0

    def connected(self, library: Library, tick: Tick) -> tuple[socket.socket, int]:
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
