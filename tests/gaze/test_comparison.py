"""Maps beside baselines."""

from __future__ import annotations

import math
from dataclasses import astuple

import numpy as np
import pytest

from cnnfix_core.gaze import (
    GAZE_MEASURES,
    GazeNumbers,
    agreement,
    auc_judd,
    beside_baselines,
    between_halves,
    gaze_numbers,
    look_map,
    looks,
    nss,
)
from cnnfix_core.methods import blob

SIZE = (80, 60)


def observers(count: int) -> list[object]:
    rng = np.random.default_rng(3)
    return [looks(rng.normal((30, 30), 3, (2, 2)), SIZE) for _ in range(count)]


def test_every_number_has_a_measure() -> None:
    assert [one.field for one in GAZE_MEASURES] == list(GazeNumbers.__slots__)


def test_the_numbers_are_those_of_the_measures() -> None:
    map_, (seen,) = np.random.default_rng(1).random((60, 80)), observers(1)
    found = gaze_numbers(map_, seen, 4.0)
    assert found.nss == nss(map_, seen)
    assert found.auc == auc_judd(map_, seen)
    assert 100 * found.similarity == pytest.approx(agreement(map_, look_map(seen, 4.0)))


def test_a_map_of_the_points_beats_every_baseline() -> None:
    everybody = observers(8)
    found = beside_baselines({"own": look_map(looks(np.concatenate([o.xy for o in everybody]), SIZE))}, everybody)
    assert list(found) == ["own", "centre", "random", "half"]
    own = astuple(found.pop("own"))
    for baseline in found.values():
        assert all(value > other for value, other in zip(own, astuple(baseline), strict=True))
    assert 100 * found["half"].similarity == pytest.approx(between_halves(everybody, longest_side=80))


def test_baselines_are_what_they_are_for_anybody() -> None:
    found = beside_baselines({"blob": blob(*SIZE)}, observers(1))
    assert list(found) == ["blob", "centre", "random"]  # one person has no halves
    assert found["blob"] == found["centre"]
    assert found["centre"].gain == 0


def test_chance() -> None:
    """Points anywhere, predicted by points anywhere."""
    rng = np.random.default_rng(5)
    anywhere = [looks(rng.random((3, 2)) * SIZE, SIZE) for _ in range(40)]
    found = beside_baselines({"even": np.ones((60, 80))}, anywhere, draws=40)
    assert found["random"].auc == pytest.approx(0.5, abs=0.05)
    assert found["random"].nss == pytest.approx(0, abs=0.15)
    assert math.isnan(found["even"].nss)
    assert found["even"].auc == pytest.approx(0.5)
