"""Walks of a batch at once: each arrives where it would alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.engine.batched_walk import unravel_together
from cnnfix_core.engine.presets import Preset, get_preset
from cnnfix_core.engine.walk import Passage
from cnnfix_core.errors import NothingContributesError


class Turned(nn.Module):
    """Attention over places with the batch in the middle: (places, batch, channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, 16, 8, 8)
        self.mix = nn.MultiheadAttention(16, 2)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.cut(x).flatten(2).permute(2, 0, 1)
        mixed, _ = self.mix(tokens, tokens, tokens, need_weights=False)
        scores: Tensor = self.head((tokens + mixed).mean(dim=0))
        return scores


NETWORKS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18": (lambda: torchvision.models.resnet18(weights=None), 64),
    "vgg11": (lambda: torchvision.models.vgg11(weights=None), 64),
    "densenet121": (lambda: torchvision.models.densenet121(weights=None), 64),
    "efficientnet_b0": (lambda: torchvision.models.efficientnet_b0(weights=None), 64),
    "swin_t": (lambda: torchvision.models.swin_t(weights=None), 64),
    "batch in the middle": (Turned, 64),
}
PRESETS = {
    "evidence": get_preset("evidence"),
    "sharpest": get_preset("evidence", "sharpest"),
    "published": cnnfix.PUBLISHED,
}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
@pytest.mark.parametrize("name", NETWORKS)
def test_each_arrives_where_it_would_alone(name: str, preset: Preset) -> None:
    torch.manual_seed(1)
    build, side = NETWORKS[name]
    network = build().eval()
    tape = cnnfix.record(network, torch.randn(3, 3, side, side))
    best = tape.output_tensor.argmax(dim=1).tolist()
    targets = [(0, best[0]), (2, best[2])]  # the second one of the batch is not asked about
    for passed, target in zip(unravel_together(tape, targets, preset), targets, strict=True):
        try:
            alone = cnnfix.unravel(tape, target, preset).fixations
        except NothingContributesError:
            assert isinstance(passed, NothingContributesError)
            continue
        assert isinstance(passed, Passage)
        found = passed.fixations
        assert (found.index == alone.index).all()
        assert (found.sign == alone.sign).all()
        np.testing.assert_allclose(found.evidence, alone.evidence, rtol=1e-9)


def test_one_to_which_nothing_contributes_costs_the_others_nothing() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False), nn.ReLU()).eval()
    with torch.no_grad():
        network[1].weight.copy_(torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]))  # type: ignore[operator,union-attr]
    x = torch.tensor([[2.0, 1, 1, 1], [-1, 3, 1, 1]])
    tape = cnnfix.record(network, x)
    first, second = unravel_together(tape, [(0, 0), (1, 0)], "evidence")
    assert isinstance(first, Passage)
    assert first.fixations.index.tolist() == [[0, 0]]
    assert isinstance(second, NothingContributesError)
    both = unravel_together(tape, [(1, 0)], "evidence")
    assert isinstance(both[0], NothingContributesError)
