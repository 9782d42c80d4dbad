"""Networks as people have them: in training, in any precision, wrapped, hard to copy, of any number of channels."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

import cnnfix_core as cnnfix
from cnnfix_core.batch.batching import BatchExplainer, BatchResult
from cnnfix_core.engine import EVIDENCE
from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.explanations import classes
from cnnfix_core.methods import METHODS, anatomy
from cnnfix_core.metrics import curves
from cnnfix_core.perturbations import add_adversarial_noise, randomised
from cnnfix_core.tasks import segment
from cnnfix_core.zoo import Model, Preprocessing, with_own_hooks

SIZE = Preprocessing((32, 32))
MAPS = ("gradcam", "gradcampp", "layercam", "scorecam", "guided_gradcam", "cmwp")


@pytest.fixture(scope="module")
def picture() -> cnnfix.Picture:
    return cnnfix.open_picture(np.random.default_rng(0).integers(0, 255, (40, 48, 3), np.uint8))


def body(channels: int = 3) -> nn.Sequential:
    torch.manual_seed(0)
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return nn.Sequential(nn.Conv2d(channels, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), *pooled).eval()


class Around(nn.Module):
    """A network around another, with an attribute of its own."""

    def __init__(self, inner: nn.Module, **own: Any) -> None:
        super().__init__()
        self.body = inner
        self.__dict__.update(own)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y


# --- undisturbed ----------------------------------------------------------------------------------------------------


class Restless(nn.Module):
    """Drops out, normalises by the batch in training, draws noise, and writes to its buffers whenever it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.cut, self.norm, self.drop = nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.Dropout(0.5)
        self.register_buffer("mean", torch.zeros(8))
        self.register_buffer("spread", torch.ones(8))
        self.head = nn.Linear(8, 4)
        self.register_buffer("runs", torch.zeros(1))
        self.register_buffer("last", torch.zeros(1, 4))

    def forward(self, x: Tensor) -> Tensor:
        maps = nn.functional.batch_norm(self.cut(x), self.mean, self.spread, training=True)  # in evaluation mode too
        features = self.drop(self.norm(maps).relu().mean((2, 3)))
        self.runs += 1
        scores: Tensor = self.head(features) + 0 * torch.randn(1)
        self.last = scores.detach()
        return scores


USES: dict[str, Callable[[Model, cnnfix.Picture], Any]] = {
    "classes": classes,
    "explain": cnnfix.explain,
    "curves": lambda model, picture: curves(model, picture, np.ones((4, 4)), 1, 4),
    "batch": lambda model, picture: BatchExplainer(model, EVIDENCE).answers([picture]),
    "noise": add_adversarial_noise,
    "shuffled": lambda model, picture: randomised(model),
    **{name: lambda model, picture, name=name: cnnfix.attribution(model, picture, None, name) for name in MAPS},
    **{
        name: lambda model, picture, name=name: cnnfix.attribution(model, picture, 1, name)
        for name in ("rise", "saliency")
    },
}


@pytest.mark.parametrize("use", USES)
def test_a_network_in_training_is_asked_in_evaluation_and_left_as_it_was(use: str, picture: cnnfix.Picture) -> None:
    torch.manual_seed(3)
    network = Restless().train()
    network.drop.eval()  # a part may be in another mode than the whole
    hooks = {name: len(child._forward_hooks) for name, child in network.named_modules()}
    model = Model.of(network, preprocessing=SIZE)
    before, drawn = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    last = network.last
    USES[use](model, picture)
    assert (network.training, network.drop.training, network.norm.training) == (True, False, True)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert network.last is last
    assert torch.equal(torch.get_rng_state(), drawn)
    assert hooks == {name: len(child._forward_hooks) for name, child in network.named_modules()}
    assert all(parameter.grad is None for parameter in network.parameters())


def test_what_is_asked_in_training_is_what_is_asked_in_evaluation(picture: cnnfix.Picture) -> None:
    network = Restless()
    trained, ready = (Model.of(one, preprocessing=SIZE) for one in (network.train(), copy.deepcopy(network).eval()))
    assert classes(trained, picture).top(4) == classes(ready, picture).top(4)
    for method in MAPS:
        maps = [cnnfix.attribution(one, picture, None, method).map for one in (trained, ready)]
        np.testing.assert_array_equal(maps[0], maps[1])


def test_segmentation_in_training(picture: cnnfix.Picture) -> None:
    class Segments(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cut, self.norm = nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5)

        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"out": self.norm(self.cut(x))}

    network = Segments().train()
    labels = cnnfix.Labels.of("abcde")
    model = Model("s", "S", network, SIZE, labels, "", "", task="segmentation")
    found = segment(model, picture)
    assert int(network.norm.num_batches_tracked) == 0
    cnnfix.attribute(found.at(10, 10), picture, 1, "saliency")
    assert network.training


# --- precision, wrappers, attributes --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_any_precision(dtype: torch.dtype, picture: cnnfix.Picture) -> None:
    plain, other = (Model.of(one, preprocessing=SIZE) for one in (body(), body().to(dtype)))
    tolerance = 1e-3 if dtype is torch.double else 0.05
    for method in (*MAPS, "cam", "integrated_gradients", "fixations", "saliency"):
        one, two = (cnnfix.attribute(model, picture, 1, method) for model in (plain, other))
        assert float(np.abs(one - two).sum()) <= tolerance * float(np.abs(one).sum()) + 1e-9, method
    for method in ("rise", "occlusion"):  # differences of nearly equal scores: few digits of half precision are left
        assert np.isfinite(cnnfix.attribute(other, picture, 1, method)).all()
    map_ = np.random.default_rng(0).random((8, 8))
    areas = [curves(model, picture, map_, 1, 4).deletion_area for model in (plain, other)]
    assert areas[0] == pytest.approx(areas[1], rel=0.01)
    assert other.module[0].weight.dtype is dtype


class Hooked(nn.Module):
    """Takes its features from a dictionary into which a hook of its own writes."""

    def __init__(self, inner: nn.Sequential) -> None:
        super().__init__()
        self.body, self.found = inner, {}
        self.body[3].register_forward_hook(lambda _module, _inputs, output: self.found.__setitem__("features", output))

    def forward(self, x: Tensor) -> Tensor:
        self.body(x)
        scores: Tensor = self.body[6](self.found["features"].mean((2, 3)))
        return scores


class PassesOn(nn.Module):
    """Has the attributes of the module in it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("inner"), name)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.inner(x) * 1.0
        return scores


def normed(network: nn.Sequential) -> nn.Sequential:
    nn.utils.parametrizations.weight_norm(network[2])
    return network


def compiled_in_place(network: nn.Module) -> nn.Module:
    network.compile(backend="eager")
    return network


WRAPPED: dict[str, Callable[[nn.Module], nn.Module]] = {
    "DataParallel": nn.DataParallel,
    "AveragedModel": AveragedModel,
    "compiled": partial(torch.compile, backend="eager"),  # type: ignore[dict-item]
    "compiled inside": lambda network: Around(torch.compile(network, backend="eager")),
    "both": lambda network: nn.DataParallel(torch.compile(network, backend="eager")),  # type: ignore[arg-type]
    "a lock": lambda network: Around(network, lock=threading.Lock()),
    "an open file": lambda network: Around(network, log=open(os.devnull, "w")),  # noqa: SIM115
    "a generator": lambda network: Around(network, loader=(n for n in range(3))),
    "hooks of its own": Hooked,  # type: ignore[dict-item]
    "passes on attributes": lambda network: PassesOn(torch.compile(network, backend="eager")),  # type: ignore[arg-type]
    "weight norm": normed,  # type: ignore[dict-item]
    "compiled in place": compiled_in_place,
    "traced symbolically": torch.fx.symbolic_trace,
    "channels last": lambda network: network.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
    "itself": lambda network: Around(network, holds=[network, {"again": network}]),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("way", WRAPPED)
def test_wrapped_and_hard_to_copy(way: str, picture: cnnfix.Picture) -> None:
    plain = Model.of(body(), preprocessing=SIZE)
    model = Model.of(WRAPPED[way](body()), preprocessing=SIZE)
    for method in (*MAPS, "fixations", "rise", "saliency"):
        maps = [cnnfix.attribute(one, picture, 1, method) for one in (model, plain)]
        np.testing.assert_allclose(*maps, rtol=1e-4, atol=1e-7, err_msg=method)
    assert classes(randomised(model), picture).top(1)


# What small plain networks may lack: a map at each stride or at several, attention, a rule of DeepLIFT for all they do.
SPECIAL = {name for name in cnnfix.METHODS if name.startswith("fixations_")}
SPECIAL |= {"refinecam", "rollout", "attention_relevance", "legrad", "deeplift"}
LAYERED = {name for name, method in METHODS.items() if method.layered}


@pytest.mark.filterwarnings("ignore:`torch.jit")
@pytest.mark.parametrize("way", [torch.jit.script, partial(torch.jit.trace, example_inputs=torch.rand(1, 3, 32, 32))])
def test_torchscript(way: Callable[[nn.Module], nn.Module], picture: cnnfix.Picture) -> None:
    plain, model = Model.of(body(), preprocessing=SIZE), Model.of(way(body()), preprocessing=SIZE)
    for method in cnnfix.METHODS:
        try:
            maps = [cnnfix.attribute(one, picture, 1, method) for one in (model, plain)]
        except CnnfixError as error:
            assert method in {"guided_backprop"} | LAYERED | SPECIAL, error  # noqa: PT017
        else:
            np.testing.assert_allclose(*maps, rtol=1e-3, atol=1e-6, err_msg=method)
    assert model.on("cpu") is model


def test_an_exported_program_in_memory(picture: cnnfix.Picture) -> None:
    sizes = ({0: torch.export.Dim.AUTO},)
    network = torch.export.export(body(), (torch.rand(2, 3, 32, 32),), dynamic_shapes=sizes).module()
    plain, model = Model.of(body(), preprocessing=SIZE), Model.of(network, preprocessing=SIZE)
    for method in ("fixations", "saliency", "rise"):
        maps = [cnnfix.attribute(one, picture, 1, method) for one in (model, plain)]
        np.testing.assert_allclose(*maps, rtol=1e-3, atol=1e-6, err_msg=method)
    randomised(model)  # it refuses eval()


class WritesToItsInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = body()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x.sub_(0.1).mul_(2))
        return y


class WithoutGradients(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = body()

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y


def test_a_network_that_writes_to_its_input(picture: cnnfix.Picture) -> None:
    model = Model.of(WritesToItsInput(), preprocessing=SIZE)
    inputs = model.noise()
    before = inputs.clone()
    model.scores(inputs)
    assert torch.equal(inputs, before)
    for method in (*MAPS, "saliency", "integrated_gradients", "rise"):
        assert cnnfix.attribute(model, picture, 1, method).shape == (40, 48)


def test_a_network_without_gradients(picture: cnnfix.Picture) -> None:
    model = Model.of(WithoutGradients(), preprocessing=SIZE)
    for method in ("fixations", "cam", "scorecam", "rise", "occlusion", "cmwp"):
        cnnfix.attribute(model, picture, 1, method)
    for method in ("gradcam", "saliency", "guided_backprop"):
        with pytest.raises(ModelError, match="no gradient with respect to the picture"):
            cnnfix.attribute(model, picture, 1, method)
    with pytest.raises(ModelError, match="no gradient with respect to the picture"):
        add_adversarial_noise(model, picture)


def test_a_copy_shares_what_is_no_module() -> None:
    lock = threading.Lock()
    network = Around(body(), lock=lock)
    network.again = network.body.forward  # type: ignore[assignment]  # a method that is bound to a module
    own = with_own_hooks(network)
    assert own.lock is lock  # type: ignore[comparison-overlap]
    assert own.again.__self__ is own.body is not network.body  # type: ignore[union-attr]
    assert own.body[0].weight is network.body[0].weight  # type: ignore[index]
    own.body.register_forward_hook(lambda *_: None)
    assert not network.body._forward_hooks


# --- where a map is drawn -------------------------------------------------------------------------------------------


class Uncalled(nn.Module):
    """Calls the layers of a part, never the part."""

    def __init__(self) -> None:
        super().__init__()
        self.base, self.head = body(), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.base[:4]:
            x = layer(x)
        scores: Tensor = self.head(x.mean((2, 3)))
        return scores


class Twice(nn.Module):
    """Calls its last convolution twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.cut, self.head = nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 8, 3, padding=1), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.cut(self.cut(self.stem(x).relu()).relu()).mean((2, 3)))
        return scores


class Pairs(nn.Module):
    """A block that returns a map with something else."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.head = nn.Conv2d(3, 8, 3, 2), Block(), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.block(self.stem(x).relu())[0].mean((2, 3)))
        return scores


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cut = nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.cut(x).relu(), x


class Functional(nn.Module):
    """Has no modules."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.head = nn.Parameter(torch.randn(8, 3, 3, 3)), nn.Parameter(torch.randn(8, 4))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = F.conv2d(x, self.weight).relu().mean((2, 3)) @ self.head
        return scores


@pytest.mark.parametrize(
    ("network", "layer"), [(Uncalled, "base.3"), (Twice, "stem"), (Pairs, "block.cut"), (Functional, "")]
)
def test_a_map_is_drawn_on_a_layer_that_ran_once_and_gave_one_map(
    network: type[nn.Module], layer: str, picture: cnnfix.Picture
) -> None:
    torch.manual_seed(0)
    model = Model.of(network(), preprocessing=SIZE)
    assert anatomy(model).last == layer
    for method in cnnfix.METHODS:
        try:
            assert cnnfix.attribution(model, picture, 1, method).map.shape == (40, 48)
        except ModelError as error:
            assert not layer or method in {"cam", "cmwp"} | SPECIAL, error  # noqa: PT017


# --- pictures -------------------------------------------------------------------------------------------------------


class Standardises(nn.Module):
    """Standardises each picture itself, which gives NaN for a picture of one colour."""

    def __init__(self) -> None:
        super().__init__()
        self.body = body()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body((x - x.mean((1, 2, 3), keepdim=True)) / x.std((1, 2, 3), keepdim=True))
        return y


def test_a_network_that_standardises_each_picture(picture: cnnfix.Picture) -> None:
    model = Model.of(Standardises(), preprocessing=SIZE)
    for method in ("gradcam", "rise", "cmwp", "saliency"):
        try:
            assert np.isfinite(cnnfix.attribute(model, picture, 1, method)).all()
        except ModelError as error:
            assert method == "cmwp", error  # noqa: PT017  # it has no rule for the spread
    assert len(BatchExplainer(model, EVIDENCE).answers([picture])) == 1


@pytest.mark.parametrize(
    ("channels", "shown"),
    [
        (1, ("grey",)),
        (2, ("grey", "none")),
        (3, ("red", "green", "blue")),
        (4, ("red", "green", "blue", "none")),
        (6, ("red", "green", "blue", "none", "none", "none")),
    ],
)
def test_any_number_of_channels(channels: int, shown: tuple[str, ...], picture: cnnfix.Picture) -> None:
    model = Model.of(body(channels))
    assert model.preprocess.channels == shown
    model = Model.of(body(channels), preprocessing=SIZE.of_channels(channels))
    for method in ("fixations", "gradcam", "rise", "occlusion", "saliency"):
        assert cnnfix.attribute(model, picture, 1, method).shape == (40, 48)
    assert set(cnnfix.explain(model, picture).fixations.channel_names) <= set(shown)
    add_adversarial_noise(model, picture)
    randomised(model)


def test_what_channels_show(picture: cnnfix.Picture) -> None:
    seen = Preprocessing((40, 48), (0.5,) * 4, (0.5,) * 4, channels=("blue", "red", "none", "grey"))
    (view,) = Model.of(body(4), preprocessing=seen).views(picture, "whole")
    blue, red, none, grey = seen(view.render(picture))
    pixels = torch.from_numpy(picture.pixels.astype(np.float32))
    torch.testing.assert_close(blue, pixels[..., 2] / 127.5 - 1)
    torch.testing.assert_close(red, pixels[..., 0] / 127.5 - 1)
    torch.testing.assert_close(grey, pixels @ torch.tensor([0.299, 0.587, 0.114]) / 127.5 - 1, atol=1e-5, rtol=0)
    assert not none.any()


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"channels": ("red",)}, "give one number, for red"),
        ({"channels": ("red", "green", "infrared")}, r"cannot show 'infrared'\. Choose red, green, blue, grey, none"),
        ({"mean": (0.5,) * 65, "std": (0.5,) * 65}, "65 channels; give 1 to 64"),
    ],
)
def test_channels_that_there_are_not(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        Preprocessing(**wrong)


@pytest.mark.parametrize(
    ("what", "complaint"),
    [
        (lambda: body().state_dict(), "OrderedDict, not a network: load these weights into a network first"),
        (lambda: torch.relu, "not a network: wrap it"),
        (lambda: body().to("meta"), "has no weights, only their shapes"),
        (lambda: nn.Sequential(nn.LazyConv2d(4, 3)), "cannot process a picture of 224 x 224 pixels"),
        (lambda: nn.LSTM(3, 4), "Say what it takes with `preprocessing`"),
    ],
)
def test_what_is_no_network_is_refused(what: Callable[[], Any], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        Model.of(what())


# --- one picture at a time --------------------------------------------------------------------------------------------


class OnlyOne(nn.Module):
    """Takes a batch of one picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = body()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x.view(1, 3, 32, 32))
        return y


class ByTheBatch(OnlyOne):
    """Says something else of a picture when others are in the batch."""

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x * len(x))
        return y


class Crops(OnlyOne):
    """Puts four quarters of each picture into one batch."""

    def forward(self, x: Tensor) -> Tensor:
        quarters = torch.cat([part for half in x.chunk(2, 2) for part in half.chunk(2, 3)])
        return torch.stack((self.body(quarters) + 1).chunk(4)).mean(0)


@pytest.mark.parametrize("kind", [OnlyOne, ByTheBatch])
def test_pictures_run_one_by_one_where_a_batch_is_not_the_same(kind: type[nn.Module], picture: cnnfix.Picture) -> None:
    torch.manual_seed(0)
    model = Model.of(kind().double(), preprocessing=SIZE)
    assert not model.together
    assert Model.of(body(), preprocessing=SIZE).together
    batch = torch.cat([model.noise(number) for number in range(3)])
    alone = torch.cat([model.scores(one) for one in batch.split(1)])
    torch.testing.assert_close(model.scores(batch), alone)
    torch.testing.assert_close(model.record(batch).output_tensor, alone)
    for method in ("published", "occlusion", "rise", "integrated_gradients", "scorecam", "ablationcam"):
        assert np.isfinite(cnnfix.attribution(model, picture, 1, method).map).all()
    found = BatchExplainer(model, cnnfix.PUBLISHED).answers([picture])[0]
    assert isinstance(found, BatchResult)
    assert found.rival is None


def test_maps_of_several_crops_are_no_map_of_the_picture(picture: cnnfix.Picture) -> None:
    model = Model.of(Crops(), preprocessing=SIZE)
    assert "no feature map" in cnnfix.reason_against(model, "gradcam")
    assert cnnfix.explain(model, picture).fixations.evidence.sum() == pytest.approx(1)
