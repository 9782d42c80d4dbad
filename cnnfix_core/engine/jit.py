"""Compilation of inner loops by Numba, once per installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """The function in machine code, which lets other threads run; kept on disk wherever there is a place to write.

    Divisions are not checked. What is kept is not compiled again when only a module changes that the function's calls.
    """
    try:
        return cast("F", njit(nogil=True, error_model="numpy", cache=True)(function))
    except RuntimeError:  # neither beside the file nor in the user's cache
        return cast("F", njit(nogil=True, error_model="numpy")(function))
