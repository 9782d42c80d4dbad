"""Measures of fixation prediction, by hand on tiny maps, and against plain loops on random ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cnnfix_core.gaze import agreement, auc_judd, correlation, information_gain, looks, nss, similarity
from tests.plain import gaze as plain

SEEDS = range(12)


def drawn(seed: int, flat: bool = False) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """Two maps, with few different values if flat, and cells that were looked at, some of them twice."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 9, 2))
    maps = rng.integers(0, 3, (2, *shape)).astype(float) if flat else rng.random((2, *shape))
    maps[:, 0, 0] += 0.5
    count = rng.integers(1, shape[0] * shape[1])
    points = [(int(rng.integers(shape[1])), int(rng.integers(shape[0]))) for _ in range(count)]
    return maps[0], maps[1], points


def middle(points: list[tuple[int, int]], shape: tuple[int, ...], scale: int = 1) -> np.ndarray:
    return (np.array(points) + 0.5) * scale


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_measures_are_what_their_definitions_say(seed: int, flat: bool) -> None:
    one, other, points = drawn(seed, flat)
    seen = looks(middle(points, one.shape), one.shape[::-1])
    assert nss(one, seen) == pytest.approx(plain.nss(one, points))
    assert auc_judd(one, seen) == pytest.approx(plain.auc_judd(one, points))
    assert information_gain(one, seen, other) == pytest.approx(plain.information_gain(one, points, other))
    assert correlation(one, other) == pytest.approx(plain.correlation(one, other))
    assert similarity(one, other) == pytest.approx(plain.similarity(one, other))


@pytest.mark.parametrize("seed", SEEDS)
def test_units_and_the_size_of_the_picture_do_not_matter(seed: int) -> None:
    one, other, points = drawn(seed)
    near = looks(middle(points, one.shape), one.shape[::-1])
    far = looks(middle(points, one.shape, 7), (7 * one.shape[1], 7 * one.shape[0]))
    assert nss(5 * one + 3, far) == pytest.approx(nss(one, near))
    assert auc_judd(5 * one + 3, far) == pytest.approx(auc_judd(one, near))
    assert information_gain(5 * one, far, 2 * other) == pytest.approx(information_gain(one, near, other))
    assert similarity(5 * one, other) == pytest.approx(similarity(one, other))


def test_weights_are_points_that_occur_as_often() -> None:
    map_ = np.arange(12.0).reshape(3, 4)
    weighted = looks([(0.5, 0.5), (3.5, 2.5)], (4, 3), [3, 1])
    repeated = looks([(0.5, 0.5)] * 3 + [(3.5, 2.5)], (4, 3))
    for measure in (nss, auc_judd):
        assert measure(map_, weighted) == pytest.approx(measure(map_, repeated))


def test_by_hand() -> None:
    map_ = np.array([[0.0, 0.0], [0.0, 4.0]])
    peak, elsewhere = looks([(1.5, 1.5)], (2, 2)), looks([(0.5, 0.5)], (2, 2))
    assert nss(map_, peak) == pytest.approx(3 / math.sqrt(3))
    assert auc_judd(map_, peak) == 1
    assert auc_judd(map_, elsewhere) == pytest.approx(1 / 3)  # as high as two of three, lower than the third
    even = np.ones((2, 2))
    assert information_gain(map_, peak, even) == pytest.approx(math.log2(0.9925 / 0.25))
    assert information_gain(map_, elsewhere, even) == pytest.approx(-math.log2(100))
    assert agreement(map_, even) == pytest.approx(25)
    assert agreement(map_, 3 * map_) == pytest.approx(100)
    assert correlation(map_, -map_) == pytest.approx(-1)


def test_maps_that_say_nothing() -> None:
    seen = looks([(0.5, 0.5)], (3, 2))
    for map_ in (np.zeros((2, 3)), np.full((2, 3), 0.1)):
        assert math.isnan(nss(map_, seen))
        assert math.isnan(correlation(map_, np.arange(6.0).reshape(2, 3)))
        assert auc_judd(map_, seen) == 0.5
    assert math.isnan(information_gain(np.zeros((2, 3)), seen, np.ones((2, 3))))
    assert similarity(np.zeros((2, 3)), np.ones((2, 3))) == 0
    assert math.isnan(auc_judd(np.ones((1, 1)), looks([(0.5, 0.5)], (1, 1))))


def test_random_points_have_chance() -> None:
    rng = np.random.default_rng(1)
    map_ = rng.random((40, 50))
    found = [
        (nss(map_, one), auc_judd(map_, one))
        for one in (looks(rng.random((1, 2)) * (50, 40), (50, 40)) for _ in range(4000))
    ]
    assert np.mean(found, axis=0) == pytest.approx([0, 0.5], abs=0.04)
