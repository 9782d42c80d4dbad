"""What visitors of a server may do; shared by the command line and the pages."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

OWN_MODELS = "CNNFIX_OWN_MODELS"
# A folder of lessons that a teacher wrote.
LESSONS = "CNNFIX_LESSONS"
# Largest uploaded file, in MB: if own models are enabled, and if only pictures can be uploaded.
LARGE_UPLOAD, SMALL_UPLOAD = 1000, 25
_PAGE_UPLOADS = 150  # MB of pictures that one page may have sent
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_ALL_ADDRESSES = ("0.0.0.0", "::")


def is_local(address: str | None) -> bool:
    """Whether a server at this address can be reached only from its own machine; None means all addresses."""
    return address in _THIS_MACHINE


def own_models_on(address: str | None) -> bool:
    """Whether visitors may upload models: only on this machine, or if the operator of the server enabled it.

    Where others can reach the server, models must run in processes of their own, which Windows cannot start.
    """
    said = os.environ.get(OWN_MODELS)
    return is_local(address) if said not in ("0", "1") else said == "1" and hasattr(os, "fork")


def models_elsewhere(address: str | None) -> bool:
    """Whether visitors' models must not run in the server: others can reach it, perhaps through a proxy."""
    return not is_local(address) or os.environ.get(OWN_MODELS) == "1"


def lessons_folder() -> Path | None:
    """The folder of a teacher's own lessons; None if the operator of the server named none."""
    folder = os.environ.get(LESSONS)
    return Path(folder) if folder else None


def upload_limits(address: str | None) -> tuple[int, int]:
    """How many bytes of files a page may have on the server, and all pages together."""
    if own_models_on(address):
        return (LARGE_UPLOAD + _PAGE_UPLOADS) * 1_000_000, max(memory() // 4, 2 * LARGE_UPLOAD * 1_000_000)
    return _PAGE_UPLOADS * 1_000_000, max(memory() // 8, 500_000_000)


def memory() -> int:
    """Memory available to this process, in bytes: that of the machine, or the limit of the container or process."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 8_000_000_000
    limit = Path("/sys/fs/cgroup/memory.max")
    allowed = limit.read_text().strip() if limit.is_file() else "max"
    found = [machine, *([int(allowed)] if allowed.isdecimal() else []), *_own_limit()]
    return min(found)


def _own_limit() -> list[int]:
    try:
        import resource
    except ImportError:  # Windows
        return []
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if most == resource.RLIM_INFINITY else [most]


def url(address: str, port: int) -> str:
    """The address to open in a browser on the same machine."""
    if is_local(address) or address in _ALL_ADDRESSES:
        return f"http://localhost:{port}"
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def urls_for_others(address: str, port: int) -> list[str]:
    """The addresses that other machines open, if the server listens on all addresses; else none."""
    if address not in _ALL_ADDRESSES:
        return []
    return [url(one, port) for one in _own_addresses()] or [f"http://ADDRESS-OF-THIS-MACHINE:{port}"]


def _own_addresses() -> list[str]:
    """The addresses of this machine's network cards, as far as its name and its routes tell."""
    found = set()
    with suppress(OSError):
        found |= {str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # reserved for documentation; nothing is sent
        found.add(route.getsockname()[0])
    return sorted(one for one in found if not one.startswith("127.") and one != "0.0.0.0")


def reason_against(address: str, port: int) -> str:
    """Why a server cannot listen there, in a sentence; "" if it can."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as trial:
            if os.name == "posix":  # elsewhere this would share the port with whoever has it
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address, port))
            trial.listen()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"Port {port} is in use, perhaps by another explorer: stop that, or choose another port with --port."
        return f"The server cannot listen on {address}, port {port}: {error.strerror or error}."
    return ""
