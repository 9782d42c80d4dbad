"""Compilation of inner loops with Numba, once per installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a function to machine code that releases the GIL, and cache it on disk if possible.

    Division by zero is not checked. The cache is not renewed when only a function that this one calls has changed.
    """
    try:
        return cast("F", njit(nogil=True, error_model="numpy", cache=True)(function))
    except RuntimeError:  # neither the file's folder nor the user's cache is writable
        return cast("F", njit(nogil=True, error_model="numpy")(function))
