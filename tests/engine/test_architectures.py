"""Networks by name: random weights that let everything through, the same each time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves
from torchvision.models import detection

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import architectures

CHECKED = [
    "convnext_tiny",
    "efficientnet_b0",
    "googlenet",
    "inception_v3",
    "lraspp_mobilenet_v3_large",
    "mobilenet_v3_small",
    "regnet_x_400mf",
    "resnet18",
    "timm/convnextv2_atto",
    "timm/levit_128s",
    "timm/nf_resnet26",
    "timm/resnet18.a1_in1k",
]


def test_all_of_torchvisions_convolutional_networks() -> None:
    names = architectures.names()
    assert {"alexnet", "s3d", "fcn_resnet50", "ssd300_vgg16", "regnet_y_128gf", "convnext_large"} <= set(names)
    others = set(torchvision.models.list_models(exclude="quantized*")) - set(names)
    kinds = ("vit", "swin", "maxvit", "mvit", "maskrcnn", "keypointrcnn", "raft", "quantized")
    assert {name for name in others if not name.startswith(kinds)} == set()
    assert set(architectures.classifiers()) < set(names)


@pytest.mark.parametrize("name", CHECKED)
def test_activations_stay_alive(name: str) -> None:
    module = architectures.build(name)
    assert not any(child.training for child in module.modules())
    alive: dict[str, bool] = {}

    def note(layer: str, given: object) -> None:
        outputs = [leaf for leaf in tree_leaves(given) if isinstance(leaf, Tensor) and leaf.is_floating_point()]
        alive[layer] = all(
            bool(out.isfinite().all()) and (not out.numel() or float(out.abs().max()) > 1e-9) for out in outputs
        )

    for layer, child in module.named_modules():
        child.register_forward_hook(lambda _, __, given, layer=layer: note(layer, given))
    with torch.no_grad():
        module(*architectures.example_input(name))
    assert alive[""]
    assert [layer for layer, lives in alive.items() if not lives] == []


@pytest.mark.parametrize("name", ["resnet18", "timm/convnext_atto"])
def test_the_same_each_time(name: str) -> None:
    first, second = (architectures.build(name, 5).state_dict() for _ in range(2))
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
    assert first[next(reversed(first))].shape[0] == 5


def test_weights_are_spread_by_the_number_of_inputs() -> None:
    state = architectures.build("resnet18").state_dict()
    assert float(state["layer3.0.conv2.weight"].std()) == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)
    assert float(state["layer3.0.bn2.weight"].min()) == float(state["layer3.0.bn2.running_var"].max()) == 1


def test_what_keeps_a_branch_silent_becomes_one() -> None:
    for name, scale in (
        ("convnext_tiny", "layer_scale"),
        ("timm/convnext_atto", ".gamma"),
        ("timm/resnet18", "bn2.weight"),
    ):
        scales = [value for key, value in architectures.build(name).named_parameters() if key.endswith(scale)]
        assert scales
        assert all(bool((value == 1).all()) for value in scales)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("timm/levit_128s", lambda: timm.create_model("levit_128s")),
        ("timm/resnetblur18", lambda: timm.create_model("resnetblur18")),
        ("ssdlite320_mobilenet_v3_large", lambda: detection.ssdlite320_mobilenet_v3_large(weights_backbone=None)),
    ],
)
def test_what_a_constructor_computes_stays(name: str, wanted: Callable[[], nn.Module]) -> None:
    found, computed = (dict(module.named_buffers()) for module in (architectures.build(name), wanted()))
    assert found.keys() == computed.keys()
    assert all(torch.equal(tensor, computed[key]) for key, tensor in found.items())


@pytest.mark.parametrize("name", [name for name in CHECKED if "lraspp" not in name])
def test_skeletons_take_no_memory(name: str) -> None:
    weights = [parameter for parameter in architectures.skeleton(name, 3).parameters() if parameter.ndim > 1]
    assert sum(weight.numel() for weight in weights if weight.device.type != "meta") < 2_000_000
    assert weights


def test_skeletons_of_huge_networks_are_quick() -> None:
    started = time.process_time()
    assert sum(parameter.numel() for parameter in architectures.skeleton("regnet_y_128gf").parameters()) == 644_812_894
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", ["fcn_resnet50", "r3d_18", "ssdlite320_mobilenet_v3_large"])
def test_skeletons_are_of_classifiers(name: str) -> None:
    with pytest.raises(ModelError, match=f"{name} is not a classifier"):
        architectures.skeleton(name, 3)


def test_official_state_dicts_fit() -> None:
    """With the auxiliary heads, which torchvision's own weights have."""
    assert any(key.startswith("aux2.") for key in architectures.build("googlenet").state_dict())
    assert architectures.build("googlenet").transform_input is True
    assert any(key.startswith("AuxLogits.") for key in architectures.build("inception_v3").state_dict())
    assert any(key.startswith("aux_classifier.") for key in architectures.build("fcn_resnet50").state_dict())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vgg-16", "Did you mean .*vgg16"),
        ("timm/convnext_tinny", "Did you mean timm/convnext_tiny"),
        ("timm/hf-hub:someone/something", "no architecture"),
        ("timm/local-dir:/tmp", "no architecture"),
        ("/etc/passwd", "no architecture"),
        ("", "no architecture ''"),
    ],
)
def test_names_that_do_not_exist(name: str, hint: str) -> None:
    for ask in (architectures.build, architectures.skeleton, architectures.example_input, architectures.preprocessing):
        with pytest.raises(ModelError, match=hint):
            ask(name)


@pytest.mark.parametrize(
    ("name", "size", "crop"),
    [
        ("resnet101", (224, 224), 0.875),
        ("inception_v3", (299, 299), 299 / 342),
        ("timm/tf_efficientnet_lite0", (224, 224), 0.875),
        ("timm/inception_v4", (299, 299), 0.875),
        ("r3d_18", (224, 224), 0.875),
    ],
)
def test_preprocessing_of_the_published_weights(name: str, size: tuple[int, int], crop: float) -> None:
    found = architectures.preprocessing(name)
    assert found.size == size
    assert found.crop_pct == pytest.approx(crop)
