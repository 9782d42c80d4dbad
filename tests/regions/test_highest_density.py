"""Reading maps: shares, areas and places, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfix_core.regions.highest_density import (
    BANDS,
    area_holding,
    describe_part,
    describe_position,
    floors,
    held_share,
    strongest_ninth,
)


def test_shares_from_the_peak_outwards_each_place_half_counted() -> None:
    assert held_share(np.array([[4, 3], [2, 1]])) == pytest.approx(np.array([[0.2, 0.55], [0.8, 0.95]]))


def test_equally_strong_places_have_the_same_share() -> None:
    assert held_share(np.array([[3.0, 1.0], [1.0, 0.0]])) == pytest.approx(np.array([[0.3, 0.8], [0.8, 1]]))


def test_the_unit_of_a_map_does_not_matter() -> None:
    values = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    assert held_share(values * 1000) == pytest.approx(held_share(values), rel=1e-5)


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3)])
def test_a_map_of_one_value_singles_nothing_out(value: float, shape: tuple[int, int]) -> None:
    flat = np.full(shape, value, float)
    assert (held_share(flat) == 1).all()
    assert area_holding(flat, 0.5) == value
    assert describe_position(flat) == "spread over the picture" or flat.size == 1


def test_the_area_of_the_smallest_region() -> None:
    values = np.array([[4, 3], [2, 1]])
    assert [area_holding(values, share) for share in (0.1, 0.4, 0.55, 0.9, 1)] == [0.25, 0.25, 0.5, 0.75, 1]
    assert area_holding(np.array([[0, 0, 0], [0, 5, 0], [0, 0, 5]]), 0.5) == pytest.approx(2 / 9)


def test_bands_reach_down_to_the_weakest_place_that_they_need() -> None:
    assert BANDS == (0.1, 0.25, 0.5, 0.75, 0.9)
    assert floors(np.array([[4, 3], [2, 1]]), BANDS).tolist() == [4, 4, 3, 2, 2]
    assert floors(np.array([[1, 1], [1, 1]]), BANDS).tolist() == [1, 1, 1, 1, 1]
    assert floors(np.array([[1, 0, 9]]), BANDS).tolist() == [9, 9, 9, 9, 9]  # just enough
    assert np.isinf(floors(np.zeros((3, 3)), BANDS)).all()


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [
        (0, 0, "in the upper left"),
        (0, 1, "in the upper centre"),
        (0, 2, "in the upper right"),
        (1, 0, "in the middle left"),
        (1, 1, "in the middle"),
        (1, 2, "in the middle right"),
        (2, 0, "in the lower left"),
        (2, 1, "in the lower centre"),
        (2, 2, "in the lower right"),
    ],
)
@pytest.mark.parametrize("times", [1, 4])
def test_where(row: int, column: int, words: str, times: int) -> None:
    values = np.zeros((3, 3))
    values[row, column] = 1
    assert describe_position(np.kron(values, np.ones((times, times)))) == f"all of that half {words}"


def test_where_most_of_it_lies_not_where_the_peak_is() -> None:
    values = np.zeros((6, 6))
    values[0, 0] = 3
    values[4:, 4:] = 2
    assert describe_position(values, 0.9) == "most of it, 73 %, in the lower right"
    assert describe_position(values, 0.2) == "all of it in the upper left"


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (0.19, "spread over the picture"),
        (0.22, "spread over the picture"),
        (0.26, "the largest part, 26 %, in the middle left"),
        (0.5, "the largest part, 50 %, in the middle left"),
        (0.504, "the largest part, 50 %, in the middle left"),
        (0.51, "most of it, 51 %, in the middle left"),
        (0.994, "most of it, 99 %, in the middle left"),
        (0.996, "all of it in the middle left"),
    ],
)
def test_most_is_more_than_half(part: float, words: str) -> None:
    values = np.full((3, 3), (1 - part) / 8)
    values[1, 0] = part
    assert describe_position(values, 1) == words
    assert strongest_ninth(values, 1) == ("in the middle left", pytest.approx(part))


@pytest.mark.parametrize(
    ("part", "words"),
    [(0, "the largest part, 0 %,"), (0.5, "the largest part, 50 %,"), (0.51, "most of it, 51 %,"), (1, "all of it")],
)
def test_a_part_in_words(part: float, words: str) -> None:
    assert describe_part(part, "it") == words


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (2, 2)])
def test_where_in_narrow_maps(shape: tuple[int, int]) -> None:
    values = np.zeros(shape)
    values[0, 0] = 1
    assert describe_position(values).startswith("all of that half in the ")


def test_floors_are_those_of_all_places_in_falling_order() -> None:
    chance = np.random.default_rng(5)
    shares = (0.01, 0.1, 0.5, 0.9, 1.0)
    for shape in ((1, 1), (7, 7), (40, 30)):
        for map_ in (
            chance.random(shape),
            chance.integers(1, 4, shape).astype(np.float32),  # many of one value
            np.exp(20 * chance.normal(size=shape)),  # nearly all in one place
            np.full(shape, 0.3),
        ):
            falling = np.sort(map_, axis=None)[::-1].astype(float)
            held = np.cumsum(falling) / falling.sum()
            expected = [falling[np.argmax(held >= share * (1 - 1e-9))] for share in shares]
            assert floors(map_, shares).tolist() == expected
