"""All that runs on the CPU runs on another device, with the same numbers, and makes no tensor elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.batch.batching import BatchExplainer, BatchResult
from cnnfix_core.engine import EVIDENCE
from cnnfix_core.explanations import classes
from cnnfix_core.metrics import curves
from cnnfix_core.modalities.captions import load_captioner
from cnnfix_core.modalities.timeseries import explain_signal, load_signal_model
from cnnfix_core.modalities.video import clip_samples, explain_clip, load_clip_model
from cnnfix_core.perturbations import add_adversarial_noise, randomised
from cnnfix_core.report import make_report
from cnnfix_core.zoo import Model, Preprocessing
from tests.plain.other_device import Elsewhere, OtherDeviceError, other_device

Pair = tuple[Model, Model]


@pytest.fixture
def device() -> Iterator[str]:
    with other_device() as name:
        yield name


@pytest.fixture
def pair(device: str) -> Pair:
    """The same network on the CPU and on the other device."""
    torch.manual_seed(0)
    start = (nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2))
    end = (nn.Conv2d(8, 8, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    model = Model.of(nn.Sequential(*start, *end), preprocessing=Preprocessing((48, 48)))
    return model, model.on(device)


@pytest.fixture(scope="module")
def picture() -> cnnfix.Picture:
    return cnnfix.open_picture(np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8))


def test_the_guard_notices_what_a_gpu_would_refuse(device: str) -> None:
    there = torch.rand(2, 3).to(device)
    assert isinstance(there + 1, Elsewhere)
    assert there.sum().item() == pytest.approx(float(there.cpu().sum()))
    for wrong in (lambda: there + torch.ones(3), lambda: torch.cat([there, torch.ones(2, 3)])):
        with pytest.raises(OtherDeviceError):
            wrong()
    with pytest.raises(OtherDeviceError):
        there.numpy()


@pytest.mark.parametrize("method", cnnfix.METHODS)
def test_every_method(method: str, pair: Pair, picture: cnnfix.Picture) -> None:
    if reason := cnnfix.reason_against(pair[0], method):  # the small network has not all strides, and no attention
        assert method.startswith("fixations_") or method in ("rollout", "attention_relevance", "legrad")
        assert reason == cnnfix.reason_against(pair[1], method)
        return
    here, there = (cnnfix.attribution(model, picture, 1, method, longest_side=48) for model in pair)
    np.testing.assert_allclose(there.map, here.map, rtol=1e-4, atol=1e-7)


def same(ask: Callable[[Model], Any], pair: Pair) -> None:
    here, there = (ask(model) for model in pair)
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-6)


def test_predictions_curves_and_changes(pair: Pair, picture: cnnfix.Picture) -> None:
    map_ = np.random.default_rng(0).random((40, 48))
    same(lambda model: classes(model, picture).prediction(1).probability, pair)
    same(lambda model: curves(model, picture, map_, 1, 4).insertion, pair)
    same(lambda model: add_adversarial_noise(model, picture, "pgd").picture.pixels, pair)
    same(lambda model: classes(randomised(model), picture).prediction(1).probability, pair)
    same(lambda model: cnnfix.explain(model, picture, (1, 2)).fixations.evidence, pair)


def test_a_batch_and_a_report(pair: Pair, picture: cnnfix.Picture) -> None:
    found = [BatchExplainer(model, EVIDENCE).answers([picture, picture])[1] for model in pair]
    assert all(isinstance(one, BatchResult) for one in found)
    np.testing.assert_allclose(found[1].rival, found[0].rival, rtol=1e-4, atol=1e-7)  # type: ignore[union-attr, arg-type]
    make_report(pair[1], picture, None, EVIDENCE)


def test_one_score_and_probabilities(device: str, picture: cnnfix.Picture) -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1))
    labels = cnnfix.Labels.of(("no", "yes"))
    model = Model.of(nn.Sequential(network, nn.Sigmoid()), labels, Preprocessing((24, 24), (0.5,), (0.5,)))
    for method in ("fixations", "gradcam", "scorecam", "rise"):
        same(lambda one, method=method: cnnfix.attribute(one, picture, "no", method), (model, model.on(device)))


def test_captions_clips_and_series(device: str, picture: cnnfix.Picture) -> None:
    captioner = load_captioner()
    here, there = (cnnfix.explain_caption(one, picture) for one in (captioner, captioner.on(device)))
    assert there.caption.words == here.caption.words
    assert [one.picture for one in there.words] == pytest.approx([one.picture for one in here.words], abs=0.01)
    clips = load_clip_model()
    clip = clip_samples()[0].clip
    cams = [explain_clip(one, clip).cam for one in (clips, clips.on(device))]
    np.testing.assert_allclose(cams[1], cams[0], rtol=1e-3, atol=1e-5)  # type: ignore[arg-type]
    signals = load_signal_model()
    series = np.sin(np.arange(150) / 9)
    found = [explain_signal(one, series).evidence for one in (signals, signals.on(device))]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-3, atol=1e-6)


def test_moving_copies_the_network(device: str) -> None:
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), *pooled)
    network[4].tied = network[4].weight
    model = Model.of(network, preprocessing=Preprocessing((16, 16)))
    moved = model.on(device)
    assert (model.device.type, moved.device.type) == ("cpu", device)
    assert model.module is network
    assert not any(isinstance(one, Elsewhere) for one in (*network.parameters(), *network.buffers()))
    assert moved.module[4].tied is moved.module[4].weight  # type: ignore[index, union-attr]
    assert model.on("cpu") is model
    assert isinstance(moved.on("cpu").scores(model.noise()), Tensor)


def test_a_program_from_a_file(device: str, picture: cnnfix.Picture, tmp_path: Any) -> None:
    class Positions(nn.Module):
        """Makes a tensor itself, on the device that it was exported on."""

        def __init__(self) -> None:
            super().__init__()
            self.cut, self.head = nn.Conv2d(3, 4, 3, 2), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            y = self.cut(x).relu()
            y = y + torch.arange(y.shape[-1], device=x.device) / 10
            found: Tensor = self.head(y.mean((2, 3)))
            return found

    file = tmp_path / "positions.pt2"
    torch.export.save(torch.export.export(Positions().eval(), (torch.rand(1, 3, 24, 24),)), file)
    model = cnnfix.open_own(file, "positions.pt2")
    same(lambda one: cnnfix.attribute(one, picture, 1, "saliency"), (model, model.on(device)))
