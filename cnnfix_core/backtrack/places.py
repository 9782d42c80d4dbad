"""Places in a feature map in words: one way on the page, on the command line, and in files."""

from __future__ import annotations

from collections.abc import Sequence

_AXES = {1: ("position",), 2: ("row", "column"), 3: ("frame", "row", "column")}


def place_name(place: Sequence[int]) -> str:
    """Name a place, counted from 0: "row 12, column 7", "position 12" in a series, "frame 1, row 2, column 5"."""
    axes = _AXES.get(len(place))
    if axes is None:
        return f"({', '.join(map(str, place))})"
    return ", ".join(f"{axis} {number}" for axis, number in zip(axes, place, strict=True))
