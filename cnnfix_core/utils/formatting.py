"""Numbers as people write them."""

from __future__ import annotations


def percent(share: float) -> str:
    """A share as people write it, with two significant digits: 77 %, 4.1 %, 0.29 %, < 0.01 %."""
    value = 100 * share
    if value < 0.01:
        return "< 0.01 %" if value > 0 else "0 %"
    return f"{value:.0f} %" if value >= 9.95 else f"{value:.2g} %"


def duration(seconds: float) -> str:
    """About so long: 40 s, 3 min, 2 h 10 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
