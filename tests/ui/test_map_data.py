"""Maps for the browser come back as they were, within what a byte a place can say; acts are heard once."""

import base64
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cnnfix_ui.compare.component import new_acts
from cnnfix_ui.compare.map_data import map_data


def read(data: dict[str, Any]) -> NDArray[np.float64]:
    """As the browser does it."""
    values = np.frombuffer(base64.b64decode(data["values"]), np.uint8).reshape(data["rows"], data["columns"])
    found: NDArray[np.float64] = data["top"] * (values / 255) ** 2
    return found


def test_a_tiny_map_by_hand() -> None:
    data = map_data(np.array([[0.0, 1.0], [3.0, 0.0]]))  # on average 1
    assert (data["columns"], data["rows"], data["top"]) == (2, 2, 3.0)
    assert base64.b64decode(data["values"]) == bytes([0, 147, 255, 0])  # 255 * sqrt(1 / 3) = 147.2


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_comes_back_within_the_error_that_is_told(unit: float) -> None:
    map_ = np.random.default_rng(3).gamma(0.3, size=(90, 120)) ** 2
    times = map_ / map_.mean()
    data = map_data(unit * map_)
    step = 0.5 / 255
    allowed = (2 * np.sqrt(times * data["top"]) + data["top"] * step) * step + 1e-5 * times
    assert (np.abs(read(data) - times) <= allowed).all()
    assert data["top"] == pytest.approx(times.max(), rel=1e-5)


def test_large_maps_become_means_over_areas() -> None:
    map_ = np.random.default_rng(0).uniform(size=(320, 480))
    data = map_data(map_)
    assert (data["columns"], data["rows"]) == (160, 107)
    data = map_data(map_, 120)  # four by four
    means = map_.reshape(80, 4, 120, 4).mean((1, 3))
    assert np.abs(read(data) - means / means.mean()).max() < 0.02


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_map_of_nothing(value: float) -> None:
    data = map_data(np.full((4, 6), value))
    assert data["top"] == 0
    assert not any(base64.b64decode(data["values"]))


def test_acts_are_heard_once_and_in_order() -> None:
    first, second, third = {"do": "pin"}, {"do": "stop"}, {"do": "add"}
    heard, acts = new_acts({"who": "a", "acts": [[1, first]]}, None)
    assert (heard, acts) == (("a", 1), [first])
    heard, acts = new_acts({"who": "a", "acts": [[1, first], [2, second], [3, third]]}, heard)
    assert (heard, acts) == (("a", 3), [second, third])
    assert new_acts({"who": "a", "acts": [[2, second]]}, heard) == (heard, [])
    assert new_acts({"who": "b", "acts": [[1, first]]}, heard) == (("b", 1), [first])  # mounted anew


@pytest.mark.parametrize(
    "sent",
    [None, 3, [], {}, {"who": 1, "acts": []}, {"who": "a" * 41, "acts": []}, {"who": "a", "acts": "no"}],
)
def test_nonsense_is_not_heard(sent: object) -> None:
    assert new_acts(sent, ("a", 2)) == (("a", 2), [])


def test_nonsense_among_acts_is_left_out() -> None:
    good = {"do": "stop"}
    sent = {"who": "a", "acts": [[1], ["2", good], [3, "stop"], None, [4, good], *[[5, good]] * 100]}
    assert new_acts(sent, None) == (("a", 5), [good, good])
