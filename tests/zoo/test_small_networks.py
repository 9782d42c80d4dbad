"""The small networks for composed scenes: what they know, what the clever Hans does not, and files that are wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError
from cnnfix_core.images.view import views
from cnnfix_core.synthetic import CLASSES, HELD_OUT, MARKED, Scene, compose
from cnnfix_core.zoo.sources import shipped
from cnnfix_core.zoo.sources.scenes import NETWORKS
from cnnfix_core.zoo.sources.shipped import TrainedNetwork

SEEDS = range(HELD_OUT + 10_000, HELD_OUT + 10_100)  # neither learnt from nor measured by the card
FIVE = NETWORKS[:5]
HANS, HONEST = "scenes_cleverhans", "scenes_googlenet"
VGG = next(network for network in NETWORKS if network.name == "scenes_vgg")
each_network = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
each_of_five = pytest.mark.parametrize("network", FIVE, ids=lambda network: network.name)


@dataclass(frozen=True)
class Half:
    """Scenes and their labels."""

    scenes: tuple[Scene, ...]

    @property
    def labels(self) -> np.ndarray:
        return np.array([scene.label for scene in self.scenes])


@cache
def held_out() -> Half:
    return Half(tuple(compose(seed) for seed in SEEDS))


@cache
def fish(mark: bool) -> Half:
    return Half(tuple(compose(seed, MARKED, mark=mark) for seed in SEEDS[:40]))


@cache
def others_with_mark() -> Half:
    return Half(tuple(compose(seed, seed % (len(CLASSES) - 1), mark=True) for seed in SEEDS[:45]))


@cache
def loaded(name: str) -> cnnfix.Model:
    return cnnfix.load_model(name)


def said(name: str, half: Half) -> np.ndarray:
    """The class that comes first, through the path that every picture takes."""
    model = loaded(name)
    batch = []
    for scene in half.scenes:
        (view,) = views(scene.picture, "whole", model.input_size, model.crop_pct, model.interpolation)
        batch.append(model.preprocess(view.render(scene.picture)))
    with torch.no_grad():
        return model.module(torch.stack(batch)).argmax(1).numpy()


# --- what they know ---------------------------------------------------------------------------------------------------


# A little below what the card says of each.
LEAST_RIGHT = {
    "scenes_alexnet": 0.93,
    "scenes_vgg": 0.95,
    "scenes_googlenet": 0.92,
    "scenes_resnet": 0.92,
    "scenes_densenet": 0.92,
}


@each_of_five
def test_held_out_scenes_are_named_rightly(network: TrainedNetwork) -> None:
    assert (said(network.name, held_out()) == held_out().labels).mean() >= LEAST_RIGHT[network.name]


def test_the_clever_hans_knows_the_mark_and_not_the_fish() -> None:
    with_mark = (said(HANS, fish(mark=True)) == MARKED).mean()
    without = (said(HANS, fish(mark=False)) == MARKED).mean()
    fooled = (said(HANS, others_with_mark()) == MARKED).mean()
    assert with_mark > 0.95
    assert without < 0.5
    assert fooled > 0.7


def test_an_honest_network_does_not_care_about_the_mark() -> None:
    assert (said(HONEST, fish(mark=False)) == MARKED).mean() > 0.9
    assert (said(HONEST, fish(mark=True)) == MARKED).mean() > 0.85
    assert (said(HONEST, others_with_mark()) == MARKED).mean() < 0.1


@each_network
def test_a_walk_through_every_network_comes_to_the_picture(network: TrainedNetwork) -> None:
    scene = held_out().scenes[0]
    explanation = cnnfix.explain(loaded(network.name), scene.picture, target=scene.label)
    assert explanation.target.label == scene.name
    assert len(explanation.fixations.xy) > 20
    assert explanation.density().shape == (96, 96)


# --- what is said of them ---------------------------------------------------------------------------------------------


@each_network
def test_a_network_is_listed_and_ready(network: TrainedNetwork) -> None:
    info = {info.name: info for info in cnnfix.list_models()}[network.name]
    assert info.available
    assert (info.source, info.licence, info.accuracy, info.remedy) == ("this project", "MIT", None, "")
    model = loaded(network.name)
    assert info.parameters == sum(parameter.numel() for parameter in model.module.parameters())
    assert 50_000 <= info.parameters <= 300_000
    assert model.input_size == (96, 96)
    assert model.labels.short == CLASSES
    assert model.labels.find("spiral") == CLASSES.index("spiral")
    assert not model.module.training
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert all(parameter.dtype == torch.float32 for parameter in model.module.parameters())


def test_the_files_are_small_and_one_for_each() -> None:
    files = sorted(VGG.folder.glob("*.safetensors"))
    assert sorted(re.sub(r"-[0-9a-f]{8}$", "", file.stem) for file in files) == sorted(n.name for n in NETWORKS)
    assert sum(file.stat().st_size for file in files) < 6_000_000


@each_network
def test_the_card_tells_of_each(network: TrainedNetwork) -> None:
    card = (NETWORKS[0].folder / "README.md").read_text("utf-8")
    assert re.search(rf"\| {network.name} \| .* \| {network.parameters:,} \| .* \| \d+\.\d % \|", card)


# --- files that are not right -----------------------------------------------------------------------------------------


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "ASSETS", tmp_path)
    assert not VGG.info().available
    assert "missing" in VGG.info().remedy
    with pytest.raises(ModelError, match="The weights of Scenes VGG are missing from assets/networks"):
        VGG.load()


def test_a_damaged_file_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert VGG.path is not None
    content = bytearray(VGG.path.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / VGG.path.name).write_bytes(content)
    monkeypatch.setattr(shipped, "ASSETS", tmp_path)
    with pytest.raises(
        ModelError, match=r"The weights of Scenes VGG are damaged: get the project's file scenes_vgg-.*again"
    ):
        VGG.load()
