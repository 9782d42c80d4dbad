"""Grad-CAM against its definition, and that it leaves the model alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.models as networks
from PIL import Image
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.baselines import grad_cam, last_map, with_own_hooks
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.zoo import Preprocessing

# The module whose output is the last map before global pooling or flattening.
LAST_MAPS = {
    "alexnet": "features.11",
    "densenet121": "features",
    "googlenet": "inception5b",
    "resnet18": "layer4",
    "vgg16": "features.29",
}


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    options: dict[str, Any] = {"init_weights": False} if name == "googlenet" else {}
    return networks.get_model(name, weights=None, **options).eval()  # type: ignore[no-any-return]


def by_definition(module: nn.Module, layer: str, inputs: Tensor, score: Callable[[Tensor], Tensor]) -> Tensor:
    """Selvaraju et al., eq. 1 and 2: relu of the activations, weighted with their gradients' mean over space."""
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        kept.append(output.detach().requires_grad_())
        return kept[0].clone()  # what follows may write into it

    hook = module.get_submodule(layer).register_forward_hook(keep)
    scores = module(inputs)
    hook.remove()
    (gradient,) = torch.autograd.grad(score(scores).sum(), kept[0])
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * kept[0]).sum(dim=1).relu().detach()


def assert_equal_maps(found: Tensor, wanted: Tensor) -> None:
    assert found.shape == wanted.shape
    assert wanted.max() > 0
    assert torch.allclose(found, wanted, rtol=1e-3, atol=1e-4 * float(wanted.max()))


@pytest.mark.parametrize("name", LAST_MAPS)
def test_grad_cam_by_its_definition(name: str) -> None:
    module = network(name)
    inputs = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    layer = last_map(module, inputs)
    assert layer == LAST_MAPS[name]
    own = with_own_hooks(module)
    # With random weights the map may be empty: then that of the negative score is not.
    wanted, sign = by_definition(own, layer, inputs, lambda scores: scores[:, 7]), 1
    if not wanted.any():
        wanted, sign = by_definition(own, layer, inputs, lambda scores: -scores[:, 7]), -1
    found = grad_cam(own, lambda batch: sign * own(batch)[:, 7], layer, inputs.clone())
    assert_equal_maps(found.detach(), wanted)


@pytest.mark.parametrize(
    ("target", "score"),
    [
        (285, lambda scores: scores[:, 285]),
        ("tabby", lambda scores: scores[:, 281]),
        ((285, "tabby"), lambda scores: scores[:, 285] - scores[:, 281]),
    ],
    ids=["index", "label", "contrast"],
)
def test_the_bundled_network(model: cnnfix.Model, target: Any, score: Callable[[Tensor], Tensor]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*model.input_size, 3), np.uint8)
    inputs = model.preprocess(Image.fromarray(image))[None]
    assert last_map(model.module, inputs) == "bn2"
    (wanted,) = by_definition(model.module, "bn2", inputs, score).numpy()
    found = cnnfix.attribute(model, image, target)
    large = Image.fromarray(wanted).resize(model.input_size[::-1], Image.Resampling.BILINEAR)
    assert found.dtype == np.float32
    assert found == pytest.approx(np.asarray(large), rel=1e-3, abs=1e-4 * float(wanted.max()))


def test_maps_have_the_shape_of_the_picture(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    assert cnnfix.attribute(model, cat, 285).shape == (300, 451)
    assert cnnfix.attribute(model, cat, 285, crops="five", longest_side=90).shape == (60, 90)
    strip = np.zeros((2, 3000, 3), np.uint8)
    assert cnnfix.attribute(model, strip, 285).shape == (2, 3000)
    assert cnnfix.attribute(model, strip, 285, crops="five").shape == (2, 3000)


def test_a_centre_crop_says_nothing_of_what_it_does_not_see(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    found = cnnfix.attribute(model, cat, 285, crops="centre")
    assert not found[:, :90].any()
    assert not found[:12].any()
    assert found[100:200, 150:300].any()


@pytest.mark.parametrize(
    ("target", "method", "error", "message"),
    [
        (285, "magic", cnnfix.CnnfixError, "no method 'magic'; choose one of gradcam"),
        (1000, "gradcam", TargetError, "no class 1000"),
        ((285, -1), "gradcam", TargetError, "no class -1"),
        ("tabbie", "gradcam", TargetError, "Did you mean tabby"),
    ],
)
def test_what_does_not_exist(
    model: cnnfix.Model, cat: cnnfix.Picture, target: Any, method: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        cnnfix.attribute(model, cat, target, method)


def test_a_network_without_maps() -> None:
    with pytest.raises(ModelError, match="no feature map"):
        last_map(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), torch.ones(1, 3, 2, 2))


# --- the user's model -------------------------------------------------------------------------------------------------


def state_of(module: nn.Module) -> list[Any]:
    hooks = [len(child._forward_hooks) + len(child._backward_hooks) for child in module.modules()]
    modes = [(child.training, getattr(child, "inplace", None)) for child in module.modules()]
    parameters = [(p.requires_grad, p.grad is None, p._version) for p in module.parameters()]
    return [hooks, modes, parameters]


@pytest.fixture
def small() -> Callable[[bool], cnnfix.Model]:
    """A small model whose parameters want gradients, in either mode."""

    def build(training: bool) -> cnnfix.Model:
        torch.manual_seed(0)
        module = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 4),
        ).train(training)
        names = tuple("abcd")
        labels = cnnfix.Labels(names, ("",) * 4)
        preprocess = Preprocessing((16, 16), (0, 0, 0), (1, 1, 1), crop_pct=1.0)
        return cnnfix.Model("small", "Small", module, preprocess, labels, "here", "none")

    return build


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_left_as_it_was(small: Callable[[bool], cnnfix.Model], training: bool) -> None:
    model = small(training)
    before, weights = state_of(model.module), [p.clone() for p in model.module.state_dict().values()]
    cnnfix.attribute(model, np.full((16, 16, 3), 90, np.uint8), 1)
    assert state_of(model.module) == before
    assert all(map(torch.equal, weights, model.module.state_dict().values()))


def test_the_mode_of_the_model_changes_no_map(small: Callable[[bool], cnnfix.Model]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    one, other = (cnnfix.attribute(small(training), image, "b") for training in (False, True))
    assert one.tolist() == other.tolist()


def test_while_another_thread_records_the_same_model(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    alone = cnnfix.attribute(model, cat, 285), cnnfix.explain(model, cat, 285, focus="sharpest")
    explanations: list[cnnfix.Explanation] = []
    stop = threading.Event()

    def explain_again_and_again() -> None:
        while not stop.is_set():
            explanations.append(cnnfix.explain(model, cat, 285, focus="sharpest"))

    thread = threading.Thread(target=explain_again_and_again)
    thread.start()
    maps = [cnnfix.attribute(model, cat, 285) for _ in range(2)]
    stop.set()
    thread.join()
    assert explanations
    for found in maps:
        assert found == pytest.approx(alone[0], rel=1e-4, abs=1e-4 * float(alone[0].max()))
    for explained in explanations:
        assert explained.fixations.xy.tolist() == alone[1].fixations.xy.tolist()
