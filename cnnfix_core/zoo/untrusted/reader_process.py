"""The process that reads untrusted files: started by `apart`, it makes a copy of itself for each file."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
from contextlib import suppress

import torch

from cnnfix_core.errors import CnnfixError
from cnnfix_core.zoo import architectures
from cnnfix_core.zoo.untrusted import apart, opening


def main(control: int) -> None:
    """Serve files until the process that asks has ended."""
    with socket.socket(fileno=control) as requests:
        while True:
            message, files, _, _ = socket.recv_fds(requests, 1, 1)
            if not message:
                return
            _import(message)
            with socket.socket(fileno=files[0]) as answer:
                pid = os.fork()
                if not pid:
                    try:
                        requests.close()
                        _serve(answer)
                    finally:  # also if nobody waits for the answer any more
                        os._exit(0)
                _, status = os.waitpid(pid, 0)
                with suppress(OSError):
                    if status:
                        answer.sendall(b"!" + bytes([status & 0x7F]))


def _import(library: bytes) -> None:
    """Once, not for each file. What is not installed is said when a file needs it."""
    with suppress(CnnfixError):
        if library == apart.LIBRARIES["torchvision"]:
            architectures.torchvision_models()
        if library == apart.LIBRARIES["timm"]:
            architectures.timm_names()


def _serve(answer: socket.socket) -> None:
    """Read one file, within limits that the system holds, and end."""
    answer.sendall(os.getpid().to_bytes(8, "little"))
    memory, seconds, wait = json.loads(apart.receive_part(answer, apart.MAX_FACTS))
    request = apart.receive_part(answer, apart.MAX_FACTS)
    content = apart.receive_part(answer, opening.MAX_MODEL_BYTES)
    _limit(memory + 3 * len(content), seconds, wait)
    torch.set_num_threads(1)
    try:
        facts, tensors = opening.examined(request, content)
        if len(facts) > apart.MAX_FACTS or len(tensors) > 2 * len(content) + apart.MAX_FACTS:
            raise MemoryError
        parts = [facts, tensors]
        kind = b"+"
    except BaseException as error:  # whatever a file can cause
        kind, parts = b"-", [_sentence(error).encode("utf-8", "replace")]
    answer.sendall(kind)
    for part in parts:
        apart.send(answer, part)


def _limit(memory: int, seconds: int, wait: int) -> None:
    """Let the system hold the limits, in bytes and seconds: no code of this process needs to run for that."""
    with open("/proc/self/statm") if os.path.exists("/proc/self/statm") else open(os.devnull) as file:
        now = int((file.read().split() or ["0"])[0]) * resource.getpagesize()
    most = now + memory
    limits = {
        resource.RLIMIT_AS: (most, most),
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_FSIZE: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    for limit, values in limits.items():
        with suppress(ValueError, OSError):  # some systems do not know all of them
            resource.setrlimit(limit, values)
    signal.setitimer(signal.ITIMER_REAL, wait)


def _sentence(error: BaseException) -> str:
    if isinstance(error, MemoryError) or "t allocate memory" in str(error):  # as PyTorch says it
        return (
            f"The file takes more than {apart.MAX_MEMORY / 1e9:g} GB of memory to read and to try, so it is not opened."
        )
    if isinstance(error, CnnfixError):
        return str(error)
    return f"The file cannot be used ({type(error).__name__}): save the network again, with plain tensors."
