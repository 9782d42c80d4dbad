"""Sensitivity to small noise: against Captum, and on maps that stay or change altogether."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from captum.metrics import sensitivity_max
from torch import Tensor

import cnnfix_core as cnnfix
from cnnfix_core.methods import attribution
from cnnfix_core.metrics import max_sensitivity
from cnnfix_core.metrics.robustness import RADIUS
from cnnfix_core.synthetic import HELD_OUT, compose

SCENE = compose(HELD_OUT + 42)


@pytest.fixture(scope="module")
def network() -> cnnfix.Model:
    return cnnfix.load_model("scenes_resnet")


@pytest.mark.parametrize("method", ["gradcam", "saliency", "fixations"])
def test_as_captum_measures_it(network: cnnfix.Model, method: str) -> None:
    random = np.random.default_rng(0)

    def map_of(batch: Any) -> tuple[Tensor]:
        pixels = (batch[0] if isinstance(batch, tuple) else batch)[0].numpy().astype(np.uint8)
        found = attribution(network, pixels, SCENE.label, method, longest_side=96).map.astype(float)
        return (torch.from_numpy(found / found.sum())[None],)

    def noisy(inputs: Tensor, _radius: float) -> Tensor:
        shape = tuple(inputs.shape[1:])
        drawn = random.integers(-RADIUS, RADIUS, shape, np.int16, endpoint=True)
        return (inputs + torch.from_numpy(drawn)[None]).clamp(0, 255)

    pixels = torch.from_numpy(SCENE.picture.pixels.astype(np.float32))[None]
    wanted = sensitivity_max(map_of, pixels, noisy, n_perturb_samples=4, max_examples_per_batch=1)
    found = max_sensitivity(network, SCENE.picture, SCENE.label, method, samples=4)
    assert found == pytest.approx(float(wanted), rel=1e-3)
    assert found > 0


def test_a_map_that_stays_and_one_that_changes(network: cnnfix.Model) -> None:
    assert max_sensitivity(network, SCENE.picture, SCENE.label, "centre", samples=2) == 0
    assert max_sensitivity(network, SCENE.picture, SCENE.label, "random", samples=2) > 0.2
