"""Files of weights: whole, fetched from where they were published, read without running anything that is in them."""

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

# Called with the bytes that have come and the bytes that there are, if the server told.
DownloadProgress = Callable[[int, int | None], None]

_CHUNK = 1 << 20
_SECONDS = 30
_locks: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)


class FetchError(CnnfixError):
    """A file could not be fetched; the message is the reason, without an address."""


def is_intact(path: Path) -> bool:
    """Whether the file's SHA-256 begins with the digits that end its name, NAME-0123abcd.pth."""
    with path.open("rb") as file:
        return _is_named_after(hashlib.file_digest(file, "sha256").hexdigest(), path)


def project_file(folder: Path, pattern: str, what: str, where: str) -> Path:
    """The one file of this pattern, whole. Raises ModelError, in which `what` and `where` name it, otherwise."""
    path = next(folder.glob(pattern), None)
    if path is None:
        raise ModelError(f"{what} missing from {where}: get the project's files again.")
    if not is_intact(path):
        raise ModelError(f"{what} damaged: get the file {path.name} of the project again.")
    return path


def _is_named_after(digest: str, path: Path) -> bool:
    named = re.search(r"-([0-9a-f]{8,64})$", path.stem)
    return named is not None and digest.startswith(named[1])


def read_tensors(path: Path) -> dict[str, Tensor]:
    """A state dict that PyTorch saved; nothing but tensors is read."""
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return state


def fetch(url: str, path: Path, progress: DownloadProgress | None = None) -> None:
    """See that `path` holds the whole file of that address; what is there and intact is not fetched again.

    Of several that ask at once one fetches, and the others wait for it. `path` appears or is replaced only when all
    bytes have come and their hash is right; otherwise nothing is left behind. Raises FetchError.
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
    """Why nothing came, in plain words."""
    inner = getattr(error, "reason", error)
    if isinstance(inner, socket.gaierror):
        return "no server was found: is there a network connection?"
    return str(getattr(inner, "strerror", None) or inner)


def _fetch(url: str, path: Path, progress: DownloadProgress) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{path.name}.", delete=False) as beside:
        try:
            digest = _copy(url, beside.write, progress)
            beside.close()
            if not _is_named_after(digest, path):
                raise FetchError("what came is not the file that was published, or not all of it")
            os.chmod(beside.name, 0o644)
            os.replace(beside.name, path)
        except BaseException:  # also when the person stops waiting
            beside.close()
            Path(beside.name).unlink(missing_ok=True)
            raise


def _copy(url: str, write: Callable[[bytes], object], progress: DownloadProgress) -> str:
    """Copy what is at the address; gives its SHA-256."""
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
