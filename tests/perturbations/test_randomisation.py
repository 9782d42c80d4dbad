"""Weight randomisation: predictions change and stay finite, and the original network is not changed."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.explanations.explanation import classes
from cnnfix_core.metrics import rank_correlation
from cnnfix_core.perturbations import randomised
from cnnfix_core.zoo import Model, Preprocessing, architectures, open_own
from cnnfix_core.zoo.untrusted import export_reader

SMALL = Preprocessing((64, 64))


def vgg() -> nn.Module:
    """Filters, ReLU and pooling, with nothing that normalises."""
    layers: list[nn.Module] = []
    for given, new in ((3, 16), (16, 32), (32, 64), (64, 64)):
        layers += [nn.Conv2d(given, new, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 7))


def densenet() -> nn.Module:
    return torchvision.models.DenseNet(8, (2, 2), 16, num_classes=7)


def resnet() -> nn.Module:
    return architectures.build("timm/test_resnet", 7)


def built(build: Callable[[], nn.Module]) -> Model:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = build().eval()
        for child in module.modules():  # as if it had been trained: no two channels alike
            if isinstance(child, nn.BatchNorm2d):
                child.running_mean.normal_()
                child.running_var.uniform_(0.1, 3)
                child.weight.data.normal_()
    return Model.of(module, preprocessing=SMALL)


def scores(model: Model, picture: cnnfix.Picture) -> np.ndarray:
    return np.array([one.score for one in sorted(classes(model, picture).top(10_000), key=lambda one: one.index)])


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.fixture(scope="module")
def other(cat: cnnfix.Picture) -> cnnfix.Picture:
    return cnnfix.open_picture(np.ascontiguousarray(cat.pixels[::-1, :, ::-1]))


def sound(one: Model, cat: cnnfix.Picture, other: cnnfix.Picture) -> None:
    """Finite scores that are not all alike, and not the same for any picture."""
    first, second = scores(one, cat), scores(one, other)
    assert np.isfinite([first, second]).all()
    assert np.ptp(first) > 1e-3
    assert np.ptp(second) > 1e-3
    assert np.abs(first - second).max() > 1e-4 * np.abs(first).max()


@pytest.mark.parametrize("part", ["all", "last"])
def test_the_bundled_network_is_randomised(model: Model, cat: cnnfix.Picture, other: cnnfix.Picture, part: str) -> None:
    before = state(model.module)
    drawn = torch.get_rng_state()
    said = scores(model, cat)
    one = randomised(model, part=part)
    sound(one, cat, other)
    assert abs(rank_correlation(scores(one, cat), said)) < 0.2
    assert (torch.get_rng_state() == drawn).all()
    assert (scores(model, cat) == said).all()
    assert all((tensor == before[name]).all() for name, tensor in model.module.state_dict().items())
    assert all(weight.grad is None for weight in one.module.parameters())
    assert (one.labels, one.preprocess, one.source) == (model.labels, model.preprocess, model.source)
    assert one.name != model.name
    assert one.title.endswith(" shuffled")


@pytest.mark.parametrize("build", [vgg, densenet, resnet])
def test_other_architectures_are_randomised(
    build: Callable[[], nn.Module], cat: cnnfix.Picture, other: cnnfix.Picture
) -> None:
    one = built(build)
    for part in ("all", "last"):
        changed = randomised(one, part=part)
        sound(changed, cat, other)
        assert np.abs(scores(changed, cat) - scores(one, cat)).max() > 1e-2


def test_a_seed_draws_the_same_each_time() -> None:
    one = built(vgg)
    first, again, second = (state(randomised(one, seed).module) for seed in (3, 3, 4))
    assert all((first[name] == again[name]).all() for name in first)
    assert any((first[name] != second[name]).any() for name in first)


def test_weights_keep_their_values_and_lose_their_order() -> None:
    one = built(densenet)
    after = dict(randomised(one).module.named_parameters())
    for name, weight in one.module.named_parameters():
        assert (weight.flatten().sort().values == after[name].flatten().sort().values).all()
        if weight.numel() > 100:
            assert (weight != after[name]).any(), name


@pytest.mark.parametrize(("build", "layer"), [(vgg, "16"), (densenet, "classifier")])
def test_only_the_last_layer(build: Callable[[], nn.Module], layer: str) -> None:
    one = built(build)
    before, after = state(one.module), state(randomised(one, part="last").module)
    changed = {name for name in before if (before[name] != after[name]).any()}
    assert {f"{layer}.weight"} <= changed <= {f"{layer}.weight", f"{layer}.bias"}  # a bias of zeros stays one


@pytest.mark.parametrize("build", [resnet, densenet])
def test_statistics_fit_the_shuffled_weights(build: Callable[[], nn.Module]) -> None:
    changed = randomised(built(build)).module
    seen: dict[str, Tensor] = {}
    for name, child in changed.named_modules():
        if isinstance(child, nn.BatchNorm2d):
            child.register_forward_pre_hook(lambda _child, given, name=name: seen.update({name: given[0]}))
    generator = torch.Generator().manual_seed(9)
    coarse = [torch.randn(32, 3, cells, cells, generator=generator) for cells in (4, 16)]
    with torch.no_grad():
        changed(sum(nn.functional.interpolate(one, (64, 64), mode="bilinear") for one in coarse))
    assert len(seen) > 5
    for name, given in seen.items():
        layer = changed.get_submodule(name)
        spread = given.std((0, 2, 3)) / layer.running_var.sqrt()
        shift = (given.mean((0, 2, 3)) - layer.running_mean) / layer.running_var.sqrt()
        assert spread.nanmedian() == pytest.approx(1, abs=0.3), name
        assert shift.abs().nanmedian() < 0.3, name


def test_a_network_in_training_is_left_there_and_its_copy_is_not() -> None:
    one = built(vgg)
    one.module.train()
    drawn = torch.get_rng_state()
    changed = randomised(one)
    assert one.module.training
    assert not changed.module.training
    assert (torch.get_rng_state() == drawn).all()


def test_a_program_from_a_file_is_randomised(cat: cnnfix.Picture, other: cnnfix.Picture) -> None:
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(built(resnet).module, (torch.zeros(1, 3, 64, 64),)), buffer)
    one = open_own(buffer.getvalue(), "resnet.pt2")
    assert isinstance(one.module, export_reader.Program)
    for part in ("all", "last"):
        changed = randomised(one, part=part)
        sound(changed, cat, other)
        assert np.abs(scores(changed, cat) - scores(one, cat)).max() > 1e-2


def test_unknown_parts_are_refused(model: Model) -> None:
    with pytest.raises(CnnfixError, match=r"“all” or “last”, not 'half'"):
        randomised(model, part="half")


def test_scores_that_are_not_finite_are_refused() -> None:
    class Fragile(nn.Module):
        """Divides by 0 where its weights are not in order."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.arange(50.0))

        def forward(self, x: Tensor) -> Tensor:
            total = x.abs().mean((1, 2, 3))[:, None]
            return torch.cat([total / (self.weight.diff() > 0).all().float(), total], dim=1)

    one = Model.of(Fragile(), preprocessing=SMALL)
    with pytest.raises(ModelError, match="not finite with shuffled weights"):
        randomised(one)
