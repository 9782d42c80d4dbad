"""Points of observers, their maps, and how far they and networks agree."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnfix_core.engine import EVIDENCE
from cnnfix_core.explanations import sigma_of
from cnnfix_core.gaze import (
    Agreed,
    GazeError,
    agreed,
    agreement,
    between_halves,
    look_map,
    looks,
    looks_in,
    random_looks,
    together,
)
from tests.plain import gaze as plain

SIZE = (60, 40)


def test_a_map_is_a_gaussian_at_each_point() -> None:
    points = [(10.2, 8.9), (40.0, 30.0), (59.9, 0.0)]
    expected = plain.look_map(points, *SIZE, sigma=4)
    # Beyond four standard deviations the fast version has 0.
    assert look_map(looks(points, SIZE), 4.0) == pytest.approx(expected, abs=2e-6)


def test_the_usual_blur_is_that_of_fixations_on_the_whole_picture() -> None:
    seen = looks([(30, 20)], SIZE)
    assert np.array_equal(look_map(seen), look_map(seen, sigma_of(EVIDENCE, SIZE)))
    assert sigma_of(EVIDENCE, (448, 224)) == (10, 5)


@pytest.mark.parametrize("longest", [None, 30, 7])
def test_a_map_sums_to_one_at_any_size(longest: int | None) -> None:
    found = look_map(random_looks((600, 400), 5), longest_side=longest)
    assert found.sum() == pytest.approx(1)
    assert max(found.shape) == (longest or 600)


def test_each_observer_counts_equally() -> None:
    busy, brief = looks([(15, 15)] * 9, SIZE), looks([(45, 20)], SIZE)
    everybody = together([busy, brief])
    assert everybody.weights.sum() == pytest.approx(1)
    assert look_map(everybody, 3.0) == pytest.approx((look_map(busy, 3.0) + look_map(brief, 3.0)) / 2)


def test_only_the_ratios_of_weights_matter() -> None:
    for largest in (1e308, 3e-310):
        assert looks([(5, 5), (9, 9)], SIZE, [largest, largest / 3]).weights == pytest.approx([0.75, 0.25])


def test_a_box_is_as_even_as_its_pixels() -> None:
    box = (10, 5, 29, 24)
    found = look_map(looks_in(box, SIZE), 0.1)
    assert found[5:25, 10:30].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("points", "weights", "words"),
    [
        ([], None, "There is no point with a weight"),
        ([(60, 3)], None, r"The point \(60, 3\) lies outside the picture, which has 60 x 40 pixels"),
        ([(5, -0.5)], None, "outside the picture"),
        ([(math.nan, 1)], None, "outside the picture"),
        ([(5, 5)], [-1], "A weight is negative"),
        ([(5, 5)], [math.inf], "A weight is negative or no number"),
        ([(5, 5)], [0], "There is no point with a weight"),
        ([(5, 5)], [1, 2], "There are 1 points and 2 weights"),
    ],
)
def test_points_that_cannot_be(points: list[tuple[float, float]], weights: list[float] | None, words: str) -> None:
    with pytest.raises(GazeError, match=words):
        looks(points, SIZE, weights)


@pytest.mark.parametrize("box", [(5, 5, 4, 9), (-1, 0, 5, 5), (0, 0, 60, 5)])
def test_boxes_that_cannot_be(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(GazeError, match="does not lie in the picture"):
        looks_in(box, SIZE)


def test_points_of_different_pictures_are_not_put_together() -> None:
    with pytest.raises(GazeError, match="not of one picture"):
        together([looks([(1, 1)], SIZE), looks([(1, 1)], (9, 9))])


def test_halves() -> None:
    same = [looks([(20, 20)], SIZE)] * 7
    assert between_halves(same) == pytest.approx(100)
    apart = [looks([(5, 5)], SIZE), looks([(55, 35)], SIZE)]
    assert between_halves(apart) == pytest.approx(0, abs=1e-6)
    assert math.isnan(between_halves(apart[:1]))
    crowd = [random_looks(SIZE, 3, seed) for seed in range(9)]
    assert between_halves(crowd) == between_halves(crowd)
    assert between_halves(crowd) != between_halves(crowd, seed=1)


def network() -> np.ndarray:
    """All of its evidence is at the left."""
    map_ = np.zeros((40, 60))
    map_[10:30, 5:25] = 1.0
    return map_


def test_one_person() -> None:
    found = agreed([looks([(10, 15), (20, 20), (50, 20)], SIZE)], network())
    assert found.on_evidence == "2 of your 3 taps were on its evidence."
    assert found.covered == pytest.approx(400 / 2400)
    assert found.sentence.startswith(
        f"{found.on_evidence} You and the network agree {found.network:.0f} of 100. A blob"
    )
    assert math.isnan(found.halves)
    assert math.isnan(found.held)


def test_a_class() -> None:
    everybody = [looks([(10 + n, 15), (40, 20)], SIZE) for n in range(6)]
    found = agreed(everybody, network(), 3.0)
    assert found.network == pytest.approx(agreement(look_map(together(everybody), 3.0), network()))
    assert found.halves > found.blob
    assert found.sentence == (
        f"The class and the network agree {found.network:.0f} of 100. "
        f"Two halves of the class agree {found.halves:.0f}. A blob in the middle scores {found.blob:.0f}."
    )
    assert found.people, found.taps == (6, 12)


def test_boxes() -> None:
    found = agreed([looks_in((5, 10, 14, 29), SIZE)], network())
    assert found.held == pytest.approx(0.5)
    assert found.on_evidence == "Your box holds 50 % of its map."


@pytest.mark.parametrize(
    ("taps", "hits", "words"),
    [
        (1, 1, "Your tap was on its evidence."),
        (1, 0, "Your tap was not on its evidence."),
        (3, 0, "None of your 3 taps was on its evidence."),
        (3, 1, "1 of your 3 taps was on its evidence."),
        (3, 3, "3 of your 3 taps were on its evidence."),
    ],
)
def test_words_for_counts(taps: int, hits: int, words: str) -> None:
    assert Agreed(1, taps, hits, math.nan, 0.1, 40, math.nan, 30).on_evidence == words
