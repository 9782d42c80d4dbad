"""Cut-outs: the walk against a slow one, and objects whose mask is known."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfix_core.regions import cut_out, reached
from cnnfix_core.synthetic import HELD_OUT, compose
from tests.plain import random_walk as slow


@pytest.mark.parametrize("steepness", [0, 0.5, 3])
def test_the_walk_is_the_slow_one(steepness: float) -> None:
    random = np.random.default_rng(1)
    pixels = random.uniform(0, 255, (5, 6, 3))
    inside, outside = np.zeros((5, 6), bool), np.zeros((5, 6), bool)
    inside[1, 1:3], outside[4], outside[0, 5] = True, True, True
    np.testing.assert_allclose(
        reached(pixels, inside, outside, steepness), slow.reached(pixels, inside, outside, steepness), atol=1e-6
    )


def test_an_object_is_cut_out_at_its_edges() -> None:
    scene = compose(HELD_OUT + 300_500, side=120)
    mask = scene.truth.on((120, 120))
    rows, columns = np.nonzero(mask)
    y, x = np.mgrid[:120, :120]
    # A blob within the object, and nothing of its shape.
    blob = np.exp(-((y - rows.mean()) ** 2 + (x - columns.mean()) ** 2) / (0.5 * mask.sum())).astype(np.float32)
    found = cut_out(scene.picture.pixels, blob)
    assert (found & mask).sum() / (found | mask).sum() > 0.7


def test_maps_that_say_nothing() -> None:
    pixels = np.full((30, 40, 3), 90, np.uint8)
    assert not cut_out(pixels, np.zeros((5, 5), np.float32)).any()
    everywhere = cut_out(pixels, np.ones((5, 5), np.float32))
    assert everywhere.shape == (30, 40)
    assert everywhere.all()  # nothing is background


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (700, 3), (40, 900)])
def test_any_shape(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (*shape, 3), np.uint8)
    assert cut_out(pixels, random.random((7, 5)).astype(np.float32)).shape == shape
