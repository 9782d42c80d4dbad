"""ROAD: removed pixels against a slow version of the paper's equations, and what the number says of known maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.metrics import road as measure
from cnnfix_core.metrics import road as road_
from cnnfix_core.metrics.road import NOISE, imputed
from cnnfix_core.zoo import Model, Preprocessing
from tests.plain import imputation as slow

SIDES = 12, 16


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_missing_pixels_are_means_of_their_neighbours(share: float) -> None:
    random = np.random.default_rng(3)
    x, gone = random.normal(size=(3, 7, 9)), random.random((7, 9)) < share
    wanted = slow.imputed(x, gone)
    # The same noise is drawn again, to be taken off.
    noise = NOISE * np.random.default_rng(0).normal(size=(3, int(gone.sum())))
    found = imputed(x, gone, np.random.default_rng(0))
    found[:, gone] -= noise
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    np.testing.assert_array_equal(found[:, ~gone], x[:, ~gone])


def test_a_hole_in_a_plain_picture_is_not_seen() -> None:
    x, gone = np.full((3, 8, 8), 2.5), np.zeros((8, 8), bool)
    gone[2:6, :5] = True
    found = imputed(x, gone, np.random.default_rng(0))
    assert np.abs(found - 2.5).max() < 6 * NOISE
    assert found[:, gone].std() == pytest.approx(NOISE, rel=0.5)
    assert imputed(x, np.zeros((8, 8), bool), np.random.default_rng(0)) is x


class Spot(nn.Module):
    """Two scores: how much brighter the left quarter is than the rest, and 0."""

    def forward(self, x: Tensor) -> Tensor:
        quarter = x.shape[-1] // 4
        score = 8 * (x[..., :quarter].mean((1, 2, 3)) - x[..., quarter:].mean((1, 2, 3)))
        return torch.stack([score, torch.zeros_like(score)], dim=1)


@pytest.fixture
def model() -> Model:
    return Model.of(Spot(), preprocessing=Preprocessing(SIDES, (0, 0, 0), (1, 1, 1), crop_pct=1.0))


@pytest.fixture
def picture() -> cnnfix.Picture:
    pixels = np.zeros((*SIDES, 3), np.uint8)
    pixels[:, :4] = 255
    return cnnfix.open_picture(pixels)


def test_the_right_map_wins(model: Model, picture: cnnfix.Picture) -> None:
    right = np.zeros(SIDES, np.float32)
    right[:, :4] = 1
    noise = np.random.default_rng(0).random(SIDES).astype(np.float32)
    found = [road_(model, picture, one, 0) for one in (right, noise, 1 - right)]
    assert found[0] > 0.2
    assert abs(found[1]) < 0.1
    assert found[2] < -0.2
    assert measure(model, picture, right, 1) == pytest.approx(-found[0], abs=1e-6)
    assert measure(model, picture, right, (0, 1)) == pytest.approx(found[0], abs=1e-6)
    assert measure(model, picture, right, 0) == found[0]  # the noise is the same at every call
