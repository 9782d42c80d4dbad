"""What a server lets its visitors do: rules that the command line and the pages share."""

from __future__ import annotations

import os
from pathlib import Path

OWN_MODELS = "CNNFIX_OWN_MODELS"
# Of one uploaded file, in MB: where own models are on, and where pictures are all that is sent.
LARGE_UPLOAD, SMALL_UPLOAD = 1000, 25
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_EVERYBODY = ("0.0.0.0", "::")


def is_local(address: str | None) -> bool:
    """Whether a server that listens to this address is reached from its own machine alone; None is every address."""
    return address in _THIS_MACHINE


def own_models_on(address: str | None) -> bool:
    """Whether visitors may send models: on this machine alone, or where whoever runs the server turned it on."""
    return is_local(address) or os.environ.get(OWN_MODELS) == "1"


def memory() -> int:
    """Bytes that this server may use: those of the machine, or of the container."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8_000_000_000
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text().strip() if limit.is_file() else "max"
    return min(machine, int(allowed)) if allowed.isdecimal() else machine


def url(address: str, port: int) -> str:
    """What to open in a browser on the same machine."""
    if is_local(address) or address in _EVERYBODY:
        return f"http://localhost:{port}"
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"
