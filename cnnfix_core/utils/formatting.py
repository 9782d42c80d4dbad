"""Formatting of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percent(share: float) -> str:
    """Format a share (0 to 1) as a percentage with two significant digits: 77 %, 4.0 %, 0.29 %, < 0.01 %."""
    value = 100 * share
    if value < 0.01:
        return "< 0.01 %" if value > 0 else "0 %"
    return f"{value:.0f} %" if value >= 9.95 else f"{value:#.2g} %"


def decimals(value: float, digits: int, signed: bool = False) -> str:
    """Format a number with so many decimals and a real minus sign; "–" for NaN. signed: with a plus sign, too."""
    if math.isnan(value):
        return "–"
    rounded = round(value, digits) + 0.0  # no minus before a zero
    return f"{rounded:{'+' if signed else ''}.{digits}f}".replace("-", "−")


def significant(value: float, digits: int = 3) -> str:
    """Format a number with so many significant digits and a real minus sign: 2.00, −1.23, 145; 0 for nothing at all."""
    return f"{value:#.{digits}g}".removesuffix(".").replace("-", "−") if value else "0"


def duration(seconds: float) -> str:
    """Format a duration, rounded: 40 s, 3 min, 2 h 10 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def aligned(lines: Sequence[Sequence[str]], words: int) -> str:
    """A table as text: the first `words` columns to the left, the others, which hold numbers, to the right."""
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n < words else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
