"""Grad-CAM from a recording is Captum's Grad-CAM, or there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.models import get_model

import cnnfix_core as cnnfix
from cnnfix_core.explanations import RecordedPicture
from cnnfix_core.methods import anatomy, grad_cam_of_tape, grad_cam_together, recorded_grad_cam


@pytest.mark.parametrize("target", [281, (281, 285)])
def test_of_a_picture(model: cnnfix.Model, cat: cnnfix.Picture, target: int | tuple[int, int]) -> None:
    found = recorded_grad_cam(RecordedPicture(model, cat), target, 100)
    assert found is not None
    assert np.array_equal(found, cnnfix.attribute(model, cat, target, longest_side=100))
    assert found.any()


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_0", "shufflenet_v2_x0_5", "regnet_y_400mf"])
def test_of_a_batch(name: str) -> None:
    torch.manual_seed(0)
    network = cnnfix.Model.of(get_model(name, weights=None).eval())
    batch = torch.rand(3, 3, 64, 64)
    found = grad_cam_of_tape(cnnfix.record(network.module, batch), anatomy(network).last, [(1,), (2,), (1,)])
    assert found is not None
    assert torch.allclose(found, grad_cam_together(network, batch, [1, 2, 1]), rtol=1e-6, atol=0)


class Head(nn.Module):
    """A feature map, and something after it."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.head = head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.features(x).mean((2, 3)))
        return scores


def test_it_is_left_to_captum_where_the_recording_lacks_something() -> None:
    tape = cnnfix.record(
        Head(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3))).eval(), torch.rand(1, 3, 8, 8)
    )
    assert grad_cam_of_tape(tape, "features", [(1,)]) is None  # the first layer's bias decides what is above 0
    assert grad_cam_of_tape(tape, "no such layer", [(1,)]) is None


def test_a_network_without_grad_cam_has_none(cat: cnnfix.Picture) -> None:
    network = cnnfix.Model.of(nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 5)).eval())
    assert recorded_grad_cam(RecordedPicture(network, cat), 1) is None
