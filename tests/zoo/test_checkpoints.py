"""Checkpoints as training scripts write them: what is taken is right, and what is left is said."""

from __future__ import annotations

import argparse
import collections
import io
import pathlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import Model, architectures, open_own

State = dict[str, Tensor]
SMALL = "timm/test_resnet"


class Options(dict[str, Any]):
    """A dictionary with methods, as configurations are."""


def saved(tree: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(tree, buffer, **options)
    return buffer.getvalue()


def network(seed: int = 0, name: str = SMALL) -> nn.Module:
    module = architectures.build(name, 4)
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(0.5 + torch.rand_like(parameter))
    return module


def state(seed: int = 0) -> State:
    return network(seed).state_dict()


def pre(prefix: str, tensors: State | None = None) -> State:
    return {prefix + name: tensor for name, tensor in (state() if tensors is None else tensors).items()}


def opened(tree: Any, architecture: str = SMALL, **options: Any) -> Model:
    return open_own(saved(tree, **options), "sent", architecture=architecture)


def same(model: Model, wanted: nn.Module, side: int = 64, channels: int = 3) -> None:
    x = torch.rand(2, channels, side, side)
    with torch.no_grad():
        assert torch.allclose(model.module(x), wanted.eval()(x), rtol=1e-4, atol=1e-5)


def without(tensors: State, part: str) -> State:
    return {name: one for name, one in tensors.items() if part not in name}


def optimised(module: nn.Module) -> dict[str, Any]:
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.rand(2, 3, 64, 64)).sum().backward()
    return optimizer.state_dict()


# --- where the weights are --------------------------------------------------------------------------------------------


BESIDE = {"criterion.weight": torch.ones(4), "train_acc.tp": torch.ones(4)}
OBJECTS = {"args": argparse.Namespace(lr=0.1), "path": pathlib.PurePosixPath("a"), "best": np.float64(0.5)}
LOGS = {"config": Options(lr=1), "log": collections.defaultdict(list, loss=[1])}
COUNTED = {"total_ops": torch.zeros(1), "layer1.0.total_ops": torch.zeros(1)}
UNDER = "The weights are those under “{}” in the file."
TWICE = "The file has the same network under “{}” too, which was left out."


@pytest.mark.parametrize(
    ("tree", "under", "notes"),
    [
        (lambda: {"net": state(), "acc": 93.0, "epoch": 3}, "net", ["Left out: acc, epoch."]),
        (lambda: {"weights": state()}, "weights", []),
        (lambda: {"state_dict_ema": state()}, "state_dict_ema", []),
        (lambda: {"a": {"b": [{"c": state()}]}}, "a.b.0.c", []),
        (lambda: pre("module."), "", []),
        (lambda: pre("_orig_mod.module."), "", []),
        (lambda: pre("module.backbone.model._orig_mod."), "backbone.model", []),
        (
            lambda: {"state_dict": {**pre("net."), **BESIDE}},
            "state_dict.net",
            ["Left out: state_dict.criterion, state_dict.train_acc."],
        ),
        (lambda: torch.optim.swa_utils.AveragedModel(network()).state_dict(), "", ["Left out: n_averaged."]),
        (lambda: {**state(), **COUNTED}, "", ["Left out: total_ops, layer1.0.total_ops."]),
        (lambda: {**state(), **BESIDE}, "", ["Left out: criterion, train_acc."]),
        (
            lambda: {"model": state(), **OBJECTS},
            "model",
            ["Left out: args, path (pathlib.PurePosixPath), best (numpy._core.multiarray.scalar)."],
        ),
        (lambda: {**LOGS, "model_state_dict": state()}, "model_state_dict", ["Left out: config, log."]),
        (lambda: {"model": state(), "optimizer": optimised(network())}, "model", ["Left out: optimizer."]),
        (lambda: {**state(), "optimizer": optimised(network())}, "", ["Left out: optimizer."]),
        (
            lambda: {"state_dict": state(1), "state_dict_ema": state()},
            "state_dict_ema",
            [TWICE.format("state_dict")],
        ),
        (lambda: {**pre("online."), **pre("target.", state(1))}, "online", [TWICE.format("target")]),
    ],
)
def test_the_weights_are_found(tree: Callable[[], Any], under: str, notes: list[str]) -> None:
    model = opened(tree())
    assert list(model.notes) == [UNDER.format(under)] * bool(under) + notes
    same(model, network())


@pytest.mark.parametrize(
    "options", [{}, {"pickle_protocol": 4}, {"pickle_protocol": 5}, {"_use_new_zipfile_serialization": False}]
)
def test_every_way_to_save(options: dict[str, Any]) -> None:
    tensors = state()
    first = next(iter(tensors))
    tied = torch.cat([torch.zeros(7), tensors[first].flatten()])[7:].reshape(tensors[first].shape)  # part of a storage
    turned = tensors["fc.weight"].t().contiguous().t()
    tree = {"model": {**tensors, first: nn.Parameter(tied), "fc.weight": turned}, "args": argparse.Namespace()}
    same(opened(tree, **options), network())
    halves = {name: one.bfloat16() if one.is_floating_point() else one for name, one in tensors.items()}
    assert torch.equal(opened(halves, **options).module.fc.weight, tensors["fc.weight"].bfloat16().float())  # type: ignore[union-attr,arg-type]


def test_a_whole_module_is_read_without_its_code() -> None:
    model = opened(network())
    same(model, network())
    assert model.notes == ()
    model = opened({"model": nn.DataParallel(network()), "epoch": 1})
    same(model, network())
    assert model.notes == (UNDER.format("model"), "Left out: epoch.")
    same(opened(network(), _use_new_zipfile_serialization=False), network())


# --- heads ------------------------------------------------------------------------------------------------------------


def with_head(name: str, place: str, head: nn.Module) -> nn.Module:
    module = network(0, name)
    module.set_submodule(place, head)
    return module.eval()


@pytest.mark.parametrize(
    ("name", "place", "head", "widths", "assumed"),
    [
        ("resnet18", "fc", nn.Sequential(nn.Dropout(0.2), nn.Linear(512, 3)), "512 → 3", False),
        ("resnet18", "fc", nn.Linear(512, 3, bias=False), "512 → 3", False),
        (
            "resnet18",
            "fc",
            nn.Sequential(nn.Linear(512, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)),
            "512 → 8 → 3",
            True,
        ),
        (
            "resnet18",
            "fc",
            nn.Sequential(OrderedDict(one=nn.Linear(512, 8), act=nn.ReLU(), two=nn.Linear(8, 3))),
            "512 → 8 → 3",
            True,
        ),
        ("resnet18", "fc", nn.Sequential(nn.Linear(512, 8), nn.Linear(8, 3)), "512 → 8 → 3", False),
        ("mobilenet_v2", "classifier", nn.Linear(1280, 3), "1280 → 3", False),
        (
            "alexnet",
            "classifier",
            nn.Sequential(nn.Linear(9216, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 3)),
            "9216 → 20 → 3",
            True,
        ),
        (
            "alexnet",
            "classifier.6",
            nn.Sequential(nn.Linear(4096, 20), nn.ReLU(), nn.Linear(20, 3)),
            "4096 → 20 → 3",
            True,
        ),
        (
            "resnet18",
            "fc",
            nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(512, 5), nn.BatchNorm1d(5)), nn.Linear(5, 2)),
            "512 → 5 → 2",
            False,
        ),
    ],
)
def test_other_heads(name: str, place: str, head: nn.Module, widths: str, assumed: bool) -> None:
    module = with_head(name, place, head)
    model = opened(module.state_dict(), name)
    assert f"{place} is as in the file: {widths} features." in model.notes
    assert (
        f"A ReLU is assumed between the linear layers of {place}, as the file does not say what was there."
        in model.notes
    ) == assumed
    same(model, module)


def test_a_head_under_another_name() -> None:
    module = network(0, "resnet18")
    body = {name: one for name, one in module.state_dict().items() if not name.startswith("fc.")}
    head = {"weight": module.fc.weight, "bias": module.fc.bias}
    for tree in (
        {**pre("backbone.", body), **pre("head.fc.", head)},
        {"state_dict": {**pre("encoder.", body), **pre("classifier.1.", head), "loss.weight": torch.ones(4)}},
        {**body, **pre("linear.", head)},
    ):
        model = opened(tree, "resnet18")
        assert any("are taken for fc." in note for note in model.notes)
        same(model, module)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda tensors: tensors | {"fc.weight": torch.ones(4, 7)}, "fc.weight is 4 x 7 and must be 4 x"),
        (lambda tensors: tensors | {"fc.1.weight": torch.ones(4, 7)}, "not understood: fc has|more than the network"),
        (lambda tensors: tensors | {"attention.weight": torch.ones(4, 7)}, "more than the network: attention.weight"),
        (lambda tensors: tensors | {"layer4.9.weight": torch.ones(4, 7)}, "more than the network: layer4.9.weight"),
        (lambda tensors: without(tensors, "fc"), "they lack fc.weight, fc.bias"),
        (lambda tensors: without(tensors, "layer2"), "they lack layer2"),
        (lambda tensors: pre("head.", tensors) | {"head.fc.bias": torch.ones(5)}, "fc.bias is 5 and must be 4"),
    ],
)
def test_what_is_not_guessed(change: Callable[[State], State], complaint: str) -> None:
    with pytest.raises(ModelError, match=complaint):
        opened(change(state()))


# --- stems ------------------------------------------------------------------------------------------------------------


class Shortcuts(nn.Module):
    """The ResNet of most scripts for CIFAR-10: other names, a small stem, no pooling after it."""

    def __init__(self) -> None:
        super().__init__()
        whole = network(0, "resnet18")
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 3, padding=1, bias=False), whole.bn1
        for number in range(1, 5):
            blocks = whole.get_submodule(f"layer{number}")
            for block in blocks.children():
                if block.downsample is not None:
                    block.shortcut = block.downsample
            setattr(self, f"layer{number}", blocks)
        self.linear = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        for number in range(1, 5):
            x = self.get_submodule(f"layer{number}")(x)
        return self.linear(nn.functional.avg_pool2d(x, 4).flatten(1))


def test_a_network_for_small_pictures() -> None:
    module = Shortcuts().eval()
    tensors = without(module.state_dict(), "downsample")
    model = opened({"net": pre("module.", tensors), "acc": 95.1}, "resnet18")
    assert model.input_size == (32, 32)
    assert any("stride 1 and no max pooling are assumed" in note for note in model.notes)
    same(model, module, 32)


def test_a_vgg_for_small_pictures() -> None:
    module = models.vgg11_bn(num_classes=10)
    module.avgpool, module.classifier = nn.Identity(), nn.Linear(512, 10)  # type: ignore[assignment]
    model = opened(module.state_dict(), "vgg11_bn")
    assert any("averaged to one number" in note for note in model.notes)
    same(model, module, 32)


@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels(channels: int) -> None:
    module = network(0, "resnet18")
    module.set_submodule("conv1", nn.Conv2d(channels, 64, 7, 2, 3, bias=False))
    model = opened(module.state_dict(), "resnet18")
    assert len(model.preprocess.channels) == channels
    assert any(note.startswith(f"conv1 takes {channels} channel") for note in model.notes)
    same(model, module, channels=channels)
