"""What visitors of a server may do; shared by the command line and the pages."""

from __future__ import annotations

import os
from pathlib import Path

OWN_MODELS = "CNNFIX_OWN_MODELS"
# Largest uploaded file, in MB: if own models are enabled, and if only pictures can be uploaded.
LARGE_UPLOAD, SMALL_UPLOAD = 1000, 25
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_ALL_ADDRESSES = ("0.0.0.0", "::")


def is_local(address: str | None) -> bool:
    """Whether a server at this address can be reached only from its own machine; None means all addresses."""
    return address in _THIS_MACHINE


def own_models_on(address: str | None) -> bool:
    """Whether visitors may upload models: only on this machine, or if the operator of the server enabled it."""
    return is_local(address) or os.environ.get(OWN_MODELS) == "1"


def memory() -> int:
    """Memory available to this server, in bytes: that of the machine, or the limit of the container."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8_000_000_000
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text().strip() if limit.is_file() else "max"
    return min(machine, int(allowed)) if allowed.isdecimal() else machine


def url(address: str, port: int) -> str:
    """The address to open in a browser on the same machine."""
    if is_local(address) or address in _ALL_ADDRESSES:
        return f"http://localhost:{port}"
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
