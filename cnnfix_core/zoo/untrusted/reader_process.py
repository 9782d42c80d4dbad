"""The process that `apart` starts: it makes a copy of itself for each untrusted file, which reads it and may stay."""

from __future__ import annotations

import json
import math
import os
import pickle
import resource
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnnfix_core.engine import EVIDENCE, PUBLISHED, coverage
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils.files import printable
from cnnfix_core.utils.plain_data import packed
from cnnfix_core.zoo import architectures
from cnnfix_core.zoo.model import Model
from cnnfix_core.zoo.untrusted import apart, opening

_MAX_SENTENCE = 1000  # characters


def main(control: int) -> None:
    """Serve files until the process that asks has ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the copies
    torch.set_num_threads(1)  # others would not survive in a copy
    _warm_up()
    with socket.socket(fileno=control) as requests:
        while True:
            message, files, _, _ = socket.recv_fds(requests, 1, 1)
            if not message:
                return
            _import(message)
            with socket.socket(fileno=files[0]) as answer:
                if not os.fork():
                    requests.close()
                    _kept_watch_on(answer)


class _OfEach(nn.Module):
    """A small network with what most have: convolutions, few and many channels, poolings, a branch, a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.depthwise, self.wide = nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 128, 3, 2, padding=1)
        self.narrow, self.head = nn.Conv2d(128, 8, 1), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of three classes."""
        x = F.max_pool2d(self.norm(self.first(x)).relu(), 2)
        x = x + self.depthwise(x).relu()
        x = self.narrow(self.wide(x).relu())
        scores: Tensor = self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return scores


def _warm_up() -> None:
    """Load compiled loops once, before there are copies: these cannot keep what they compile."""
    network, picture = _OfEach().eval(), torch.rand(1, 3, 32, 32)
    for preset in (EVIDENCE, replace(EVIDENCE, beam=20), PUBLISHED):
        coverage(network, picture, preset=preset)
    import_module("captum.attr")  # half of the methods need it; each copy would take most of a second for it
    tempfile.gettempdir()  # a copy, which must not write, would find none


def _kept_watch_on(answer: socket.socket) -> None:
    """Serve one file in another copy, and tell by which signal that was ended. Does not return."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        pid = os.fork()
        if not pid:
            _serve(answer)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if status:
            answer.sendall(apart.ENDED + bytes([status & 0x7F]))
    finally:  # also if nobody waits for the answer any more
        os._exit(0)


def _import(library: bytes) -> None:
    """Once, not for each file. What is not installed is said when a file needs it."""
    with suppress(CnnfixError):
        if library == apart.LIBRARIES["torchvision"]:
            architectures.torchvision_models()
        if library == apart.LIBRARIES["timm"]:
            architectures.timm_names()


def _serve(answer: socket.socket) -> None:
    """Read one file, within limits that the system holds, then answer questions until nobody asks any more."""
    answer.sendall(os.getpid().to_bytes(8, "little"))
    memory, seconds, wait, each, each_wait = json.loads(apart.receive_part(answer, apart.MAX_FACTS))
    request = apart.receive_part(answer, apart.MAX_FACTS)
    content = apart.receive_part(answer, opening.MAX_MODEL_BYTES)
    _limit_memory(memory + 3 * len(content))
    try:
        with _limited_time(seconds, wait):
            facts, tensors, model = opening.examined(request, content)
        if len(facts) > apart.MAX_FACTS or len(tensors) > 2 * len(content) + apart.MAX_FACTS:
            raise MemoryError
    except BaseException as error:  # whatever a file can cause
        return _send(answer, apart.FAILED, _told(error, "The file", "to read and to try, so it is not opened"))
    _send(answer, apart.FOUND, facts, tensors)
    del content, request, facts, tensors
    while True:
        try:
            question = apart.receive_part(answer, 2 * apart.MAX_ARRAYS)
        except (EOFError, OSError):
            return None
        try:
            with _limited_time(each, each_wait):
                parts = _answered(answer, model, question)
        except BaseException as error:  # whatever a network can cause
            _send(answer, apart.FAILED, _told(error, "The network", "for this, so there is no answer"))
            if not isinstance(error, CnnfixError):  # what is left of it takes memory, or is broken
                return None
        else:
            _send(answer, apart.FOUND, *parts)


def _answered(answer: socket.socket, model: Model, question: bytes) -> tuple[bytes, bytes]:
    threads, function, args, options, reports = pickle.loads(question)  # from this package in another process
    torch.set_num_threads(threads)

    def report(share: float, result: Any = None) -> None:
        _send(answer, apart.PROGRESS, *packed((share, result)))

    facts, arrays = packed(function(model, *args, **options, **({"report": report} if reports else {})))
    if len(facts) > apart.MAX_FACTS or len(arrays) > apart.MAX_ARRAYS:
        raise MemoryError
    return facts, arrays


def _send(answer: socket.socket, kind: bytes, *parts: bytes) -> None:
    answer.sendall(kind)
    for part in parts:
        apart.send(answer, part)


def _limit_memory(more: int) -> None:
    """Let the system hold the limit, in bytes: no code of this process needs to run for that."""
    with open("/proc/self/statm") if os.path.exists("/proc/self/statm") else open(os.devnull) as file:
        now = int((file.read().split() or ["0"])[0]) * resource.getpagesize()
    limits = {resource.RLIMIT_AS: now + more, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    for limit, most in limits.items():
        with suppress(ValueError, OSError):  # some systems do not know all of them
            resource.setrlimit(limit, (most, most))


@contextmanager
def _limited_time(seconds: float, wait: float) -> Iterator[None]:
    """Let the system end this process after so many seconds of a processor, or by the clock, inside the block."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    now = math.ceil(used.ru_utime + used.ru_stime)
    unlimited = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_CPU, (now + math.ceil(seconds), unlimited))
    signal.setitimer(signal.ITIMER_REAL, wait)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (unlimited, unlimited))


def _told(error: BaseException, what: str, doing: str) -> bytes:
    """An error as JSON: the name of its class among this package's, a sentence, and whether this process ends."""
    name, broken = "ModelError", not isinstance(error, CnnfixError)
    if isinstance(error, MemoryError) or "t allocate memory" in str(error):  # as PyTorch says it
        text = f"{what} takes more than {apart.MAX_MEMORY / 1e9:g} GB of memory {doing}."
    elif broken:
        text = f"{what} cannot be used ({type(error).__name__}): save the network again, with plain tensors."
    else:
        name = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == CnnfixError.__module__)
        text = str(error)
    text = text if len(text) <= _MAX_SENTENCE else f"{text[:_MAX_SENTENCE]} …"  # a file may have names of megabytes
    return json.dumps([name, printable(text), broken]).encode()
