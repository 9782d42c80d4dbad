"""Weight files: download them from their publisher, verify them, and read them without running any code in them."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import tempfile
import threading
import urllib.request
from collections import defaultdict
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

import torch
from torch import Tensor

from cnnfix_core.errors import CnnfixError, ModelError

# Called with the bytes received and the total number of bytes, if known.
DownloadProgress = Callable[[int, int | None], None]

_CHUNK = 1 << 20
_SECONDS = 30
_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


class FetchError(CnnfixError):
    """A file could not be downloaded. The message is the reason, without the address."""


def is_intact(path: Path) -> bool:
    """Whether the file's SHA-256 starts with the digits at the end of its name, NAME-0123abcd.pth."""
    with path.open("rb") as file:
        return _is_named_after(hashlib.file_digest(file, "sha256").hexdigest(), path)


def project_file(folder: Path, pattern: str, what: str, where: str) -> Path:
    """The file with this pattern. Raises ModelError, which mentions `what` and `where`, if it is missing or damaged."""
    path = next(folder.glob(pattern), None)
    if path is None:
        raise ModelError(f"{what} missing from {where}: get the project's files again.")
    if not is_intact(path):
        raise ModelError(f"{what} damaged: get the project's file {path.name} again.")
    return path


def _is_named_after(digest: str, path: Path) -> bool:
    named = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    return named is not None and digest.startswith(named[1])


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a state dict saved by PyTorch; only tensors are read."""
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def fetch(url: str, path: Path, progress: DownloadProgress | None = None) -> None:
    """Download a file to `path`, unless an intact copy is there.

    Concurrent calls for one path wait for a single download. `path` is written only when the download is complete and
    its hash is correct; otherwise no file is left behind.

    Raises:
        FetchError: The file could not be downloaded.
    """
    with _locks[path]:
        if path.exists() and is_intact(path):
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _fetch(url, path, progress or (lambda done, total: None))
        except (OSError, HTTPException) as error:
            raise FetchError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """The reason for a failed download."""
    inner = getattr(error, "reason", error)
    if isinstance(inner, socket.gaierror):
        return "no connection to the server: is the network working?"
    return str(getattr(inner, "strerror", None) or inner)


def _fetch(url: str, path: Path, progress: DownloadProgress) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as beside:
        try:
            digest = _copy(url, beside.write, progress)
            beside.close()
            if not _is_named_after(digest, path):
                raise FetchError("the downloaded file is incomplete, or is not the published file")
            os.chmod(beside.name, 0o644)
            os.replace(beside.name, path)
        except BaseException:  # also when the user interrupts
            beside.close()
            Path(beside.name).unlink(missing_ok=True)
            raise


def _copy(url: str, write: Callable[[bytes], object], progress: DownloadProgress) -> str:
    """Download the address in chunks; returns the SHA-256."""
    digest = hashlib.sha256()
    done = 0
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
        total = int(answer.headers.get("Content-Length") or 0) or None
        progress(done, total)
        while chunk := answer.read(_CHUNK):
            digest.update(chunk)
            write(chunk)
            done += len(chunk)
            progress(done, total)
    return digest.hexdigest()
