"""Numbers in texts."""

from __future__ import annotations

import math

import pytest

from cnnfix_core.utils import decimals, significant


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (0.125, 2, False, "0.12"),
        (-0.5, 2, False, "−0.50"),
        (0.5, 1, True, "+0.5"),
        (-12.0, 0, True, "−12"),
        (-0.001, 2, False, "0.00"),
        (math.nan, 2, False, "–"),
    ],
)
def test_decimals(value: float, digits: int, signed: bool, text: str) -> None:
    assert decimals(value, digits, signed) == text


def test_significant_digits() -> None:
    assert significant(-1.23456) == "−1.23"
    assert significant(0.00001234) == "1.23e−05"
    assert [significant(value) for value in (2.0, 0.5, 145.2, 0.0)] == ["2.00", "0.500", "145", "0"]
