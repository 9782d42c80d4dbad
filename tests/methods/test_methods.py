"""All methods on all bundled networks, Grad-CAM against two libraries, and that the model is left alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torchvision.models as networks
from captum.attr import LayerGradCam
from PIL import Image
from torch import Tensor, nn
from torchcam.methods import GradCAM as TorchcamGradCAM

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.methods import BASELINES, METHODS, attribution, feature_maps, reason_against
from cnnfix_core.methods.feature_maps import anatomy
from cnnfix_core.regions import describe_position, strongest_ninth
from cnnfix_core.synthetic import HELD_OUT, compose
from cnnfix_core.zoo import Preprocessing, with_own_hooks
from cnnfix_core.zoo.sources.scenes import NETWORKS

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


def model_of(module: nn.Module, side: int, classes: int) -> cnnfix.Model:
    names = tuple(f"class {n}" for n in range(classes))
    preprocess = Preprocessing((side, side), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)
    labels = cnnfix.Labels(names, ("",) * classes)
    return cnnfix.Model("random", "Random", module, preprocess, labels, "here", "none")


def noise(side: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)


def inputs_of(model: cnnfix.Model, image: np.ndarray) -> Tensor:
    return model.preprocess(Image.fromarray(image))[None]


@pytest.mark.parametrize("name", LAST_MAPS)
def test_grad_cam_by_its_definition_and_two_libraries(name: str) -> None:
    model, image = model_of(network(name), 64, 1000), noise(64)
    assert anatomy(model).last == LAST_MAPS[name]
    own = with_own_hooks(model.module)

    inputs = inputs_of(model, image)

    def wanted_for(a: int, b: int) -> Tensor:
        return by_definition(own, LAST_MAPS[name], inputs, lambda scores: scores[:, a] - scores[:, b])

    # With random weights the map of one question may be empty: then that of the opposite one is not.
    a, b = (7, 8) if wanted_for(7, 8).any() else (8, 7)
    wanted = wanted_for(a, b)
    hooked = with_own_hooks(model.module)
    with TorchcamGradCAM(hooked, LAST_MAPS[name]) as extractor:
        # DenseNet writes into what the library's hook has seen.
        hooked.get_submodule(LAST_MAPS[name]).register_forward_hook(lambda _module, _inputs, output: output.clone())
        scores = hooked(inputs.clone().requires_grad_())
        (theirs,) = extractor(scores=scores, targets=lambda row: row[a] - row[b], normalized=False)

    def score(batch: Tensor) -> Tensor:
        said = own(batch)
        return said[:, a] - said[:, b]

    captum = LayerGradCam(score, own.get_submodule(LAST_MAPS[name]))
    by_captum = captum.attribute(inputs.clone().requires_grad_(), relu_attributions=True).sum(dim=1).detach()
    ours = attribution(model, image, (a, b), "gradcam")
    assert ours.layer == LAST_MAPS[name]
    for map_ in (wanted, theirs.detach().clamp_min(0), by_captum):
        large = Image.fromarray(map_[0].numpy()).resize((64, 64), Image.Resampling.BILINEAR)
        assert_equal_maps(torch.from_numpy(ours.map), torch.from_numpy(np.array(large)))


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
    assert anatomy(model).last == "bn2"
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
        (285, "magic", cnnfix.CnnfixError, "no method 'magic'. Choose one of fixations"),
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
    model = model_of(nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 3)), 4, 3)
    for name in (name for name, method in METHODS.items() if method.layered or name == "refinecam"):
        assert "no feature map" in reason_against(model, name)
        with pytest.raises(ModelError, match="no feature map"):
            attribution(model, noise(4), 1, name)
    assert "ends with a feature map" in reason_against(model, "cam")
    assert "no ReLU" in reason_against(model, "guided_backprop")
    for name in ("saliency", "occlusion", "centre", "random"):
        assert reason_against(model, name) == ""


def test_a_network_whose_tokens_are_no_map() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches, self.keys, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            tokens = self.patches(x).flatten(2).transpose(1, 2)
            attention = (tokens @ self.keys(tokens).transpose(1, 2)).softmax(dim=2)
            scores: Tensor = self.head((attention @ tokens).mean(dim=1))
            return scores

    model = model_of(Tokens().eval(), 16, 3)
    assert "tokens" in reason_against(model, "gradcam")


def test_a_layer_that_is_not_there_is_named(model: cnnfix.Model, cat: cnnfix.Picture) -> None:
    with pytest.raises(ModelError, match="has no layer 'bn3'"):
        attribution(model, cat, 285, "gradcam", layer="bn3")


# --- all methods ------------------------------------------------------------------------------------------------------


SCENE = compose(HELD_OUT + 42)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [network.name for network in NETWORKS])
def test_every_method_on_every_bundled_scene_network(name: str, method: str) -> None:
    model = loaded(name)
    reason = reason_against(model, method)
    if reason:
        small = name in ("scenes_alexnet", "scenes_vgg")
        assert (
            (method == "cam" and small)
            or (method.startswith("fixations_") and "no feature map of stride" in reason)
            or (METHODS[method].family == "Attention" and "tokens" in reason)
            or (method == "deeplift" and "no rule" in reason)
        )
        return
    shares: list[float] = []
    found = attribution(model, SCENE.picture, SCENE.label, method, progress=shares.append)
    check(found.map, found.box, (96, 96))
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert found.layer is not None or not METHODS[method].layered
    if method not in (*BASELINES, "eigencam") and not METHODS[method].slow:
        other = attribution(model, SCENE.picture, (SCENE.label + 1) % 10, method)
        assert not np.array_equal(found.map, other.map)


@cache
def loaded(name: str) -> cnnfix.Model:
    return cnnfix.load_model(name)


def check(map_: np.ndarray, box: tuple[int, ...] | None, shape: tuple[int, int]) -> None:
    assert map_.shape == shape
    assert map_.dtype == np.float32
    assert np.isfinite(map_).all()
    assert map_.min() >= 0
    if map_.any():
        assert box
        assert 0 <= box[0] <= box[2] < shape[1]
        assert 0 <= box[1] <= box[3] < shape[0]


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.slow])
def test_every_quick_method_on_efficientnet(model: cnnfix.Model, cat: cnnfix.Picture, method: str) -> None:
    if METHODS[method].family == "Attention" or method == "deeplift":
        assert reason_against(model, method)
        return
    for target in (285, (285, 281)) if METHODS[method].contrasts else (285,):
        found = attribution(model, cat, target, method, longest_side=100)
        check(np.kron(found.map, np.ones((1, 1), np.float32)), None if found.box is None else (0, 0, 1, 1), (67, 100))
        assert found.map.any()
        assert found.asked == target


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.slow])
def test_slow_methods_stop_and_leave_nothing_behind(model: cnnfix.Model, cat: cnnfix.Picture, method: str) -> None:
    class EnoughError(Exception):
        pass

    seen: list[float] = []

    def stop(share: float) -> None:
        seen.append(share)
        if len(seen) > 2:
            raise EnoughError

    before = state_of(model.module)
    with pytest.raises(EnoughError):
        attribution(model, cat, 285, method, progress=stop)
    assert seen[-1] < 0.5
    assert state_of(model.module) == before


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


def test_a_finder_that_comes_after_a_networks_first_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_maps, "_FINDERS", list(feature_maps._FINDERS))
    runs: list[str] = []
    model = model_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval(), 16, 4)
    model.module.register_forward_hook(lambda *_: runs.append("forward"))
    before = anatomy(model)

    @feature_maps.computed_from_tape
    def convolutions(tape: cnnfix.Tape) -> int:
        return sum(operation.name == "aten.convolution" for operation in tape.operations)

    assert (convolutions(model), convolutions(model)) == (1, 1)
    assert anatomy(model) is before
    assert runs == ["forward"] * 2


class Huge(nn.Module):
    """Scores near the largest number of single precision."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cut, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.cut(x).mean((2, 3))) * 3e38  # type: ignore[no-any-return]


def test_numbers_that_become_too_large_are_said(cat: cnnfix.Picture) -> None:
    model = cnnfix.Model.of(Huge(), preprocessing=Preprocessing((16, 16)))
    with pytest.raises(ModelError, match="become too large"):
        attribution(model, cat, 1, "smoothgradcampp")
    grad_cam = attribution(model, cat, 1, "gradcam").map
    assert "," in describe_position(grad_cam)
    assert strongest_ninth(grad_cam)[1] <= 1
