"""Compilation of inner loops with Numba, once per installation."""

# mypy: allow-untyped-calls

from __future__ import annotations

import logging
import multiprocessing
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache

F = TypeVar("F", bound=Callable[..., object])

_log = logging.getLogger(__name__)


def compiled(function: F) -> F:
    """Compile a function to machine code that releases the GIL, and keep it on disk if possible.

    Division by zero is not checked. What is kept is not renewed when only a function that this one calls has changed.

    Numba chooses the folder: `NUMBA_CACHE_DIR`, the one beside the file, or the user's cache. If none of them is
    writable, it is a folder of the user's own among the temporary files. If there is none either, every process
    compiles the function again, and the log says so once.
    """
    dispatcher: Any = numba.njit(nogil=True, error_model="numpy")(function)
    kept = _kept(function)
    if kept:
        dispatcher._cache = kept
    return cast("F", dispatcher)


class _KeptCode(FunctionCache):
    """Machine code on disk. A file that cannot be read or written costs time, and is never an error."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code for these types; None if there is none, or it cannot be read."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # a damaged file may raise anything
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the machine code for these types."""
        try:
            super().save_overload(sig, data)
        except Exception:
            _say_that_nothing_is_kept()


def _kept(function: Callable[..., object]) -> FunctionCache | None:
    try:
        return _KeptCode(function)
    except RuntimeError:  # none of Numba's folders is writable
        folder = _own_temporary_folder()
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder or "")  # it is read only while the object is made
    try:
        return _KeptCode(function)
    except RuntimeError:
        _say_that_nothing_is_kept()
        return None
    finally:
        config.CACHE_DIR = before


@cache
def _own_temporary_folder() -> Path | None:
    """A folder among the temporary files that only this user can write to; None if there cannot be one.

    Machine code that somebody else could write must not be loaded: a folder of this name that belongs to somebody
    else, that others may write to, or that is a link, is not used.
    """
    if not hasattr(os, "getuid"):
        return None
    folder = Path(tempfile.gettempdir()) / f"cnnfix-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o022
    return folder if own else None


@cache
def _say_that_nothing_is_kept() -> None:
    if multiprocessing.parent_process() is None:  # else that one has said it
        _log.warning(
            "Compiled loops cannot be kept on disk, so every start takes about 15 seconds longer: "
            "set NUMBA_CACHE_DIR to a folder with free space that you can write to."
        )
