"""Compilation of inner loops by Numba, once an installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """The function in machine code, which lets other threads run; kept on disk wherever there is a place to write."""
    try:
        return cast("F", njit(nogil=True, cache=True)(function))
    except RuntimeError:  # neither beside the file nor in the user's cache
        return cast("F", njit(nogil=True)(function))
