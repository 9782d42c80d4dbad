"""Both presets on whole networks with random weights, against a slow walk written from the definitions."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.walk import Trace, unravel
from tests.plain import network as plain

# A side of the picture, so that the maps do not fit the adaptive pooling: 4 to 6 places in AlexNet, 3 to 7 in VGG.
SIDES = {"alexnet": 160, "vgg16": 96, "googlenet": 97, "resnet18": 96, "densenet121": 98}
NETWORKS = sorted(SIDES)
TARGET = (0, 7)


def network(name: str, seed: int) -> nn.Module:
    """A torchvision network in float64 whose every parameter and buffer is random; some batch-norm scales negative."""
    # Without memory first, and with numbers in single precision: VGG-16 has 138 million of them.
    own: dict[str, Any] = {"googlenet": {"aux_logits": False, "init_weights": False}, "vgg16": {"init_weights": False}}
    with torch.device("meta"):
        module: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=20, **own.get(name, {}))
    module = module.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(seed)
    for child in module.modules():
        if isinstance(child, (nn.Conv2d, nn.Linear)):
            fan_in = child.weight[0].numel()
            nn.init.normal_(child.weight, std=(2 / fan_in) ** 0.5, generator=generator)
            if child.bias is not None:
                nn.init.normal_(child.bias, std=0.2, generator=generator)
        if isinstance(child, nn.BatchNorm2d):
            assert child.running_mean is not None
            assert child.running_var is not None
            nn.init.normal_(child.weight, mean=0.6, std=0.6, generator=generator)
            nn.init.normal_(child.bias, std=0.3, generator=generator)
            nn.init.normal_(child.running_mean, std=0.3, generator=generator)
            nn.init.uniform_(child.running_var, 0.5, 1.5, generator=generator)
    return module.double()


def picture(side: int, seed: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(1000 + seed)
    return torch.randn(batch, 3, side, side, dtype=torch.float64, generator=generator)


def entries(selection: Selection) -> dict[tuple[tuple[int, ...], int], float]:
    """An engine's selection as {(place, sign): evidence}."""
    rows = zip(selection.coordinates.tolist(), selection.sign.tolist(), selection.evidence.tolist(), strict=True)
    return {(tuple(place), sign): evidence for place, sign, evidence in rows}


def plain_entries(selection: plain.Selection) -> dict[tuple[tuple[int, ...], int], float]:
    return {(place, sign): evidence for place, signs in selection.items() for sign, evidence in signs.items()}


def layers(trace: Trace) -> dict[str, Selection]:
    """What the engine reached in the output of each operation, by the name of its module."""
    return {hop.operation.module: trace.selection(hop.output) for hop in trace.hops}


def assert_conserved(trace: Trace) -> None:
    assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1, abs=1e-9)


def assert_same_places(trace: Trace, walk: plain.Published) -> None:
    """The same places in the image, and in the outputs of all convolutions and fully connected layers."""
    reached = layers(trace)
    for name, selection in weighted_layers(walk):
        assert {place for place, _ in entries(reached[name])} == set(selection), name
    assert {tuple(place) for place in trace.fixations.index.tolist()} == set(walk.arrived)
    assert len(walk.arrived) > 1


def assert_same_evidence(trace: Trace, walk: plain.Evidence) -> None:
    """The same places and signs with the same evidence, in the image and in the outputs of all weighted layers."""
    reached = layers(trace)
    both_signs: set[int] = set()
    for name, selection in weighted_layers(walk):
        both_signs.update(sign for signs in selection.values() for sign in signs)
        assert entries(reached[name]) == pytest.approx(plain_entries(selection), rel=1e-6), name
    image = trace.selection(trace.tape.inputs[0])
    assert entries(image) == pytest.approx(plain_entries(walk.arrived), rel=1e-6)
    # The test says little if no question was ever turned around.
    assert both_signs == {1, -1} or not any(isinstance(m, nn.BatchNorm2d) for m in walk.traced.modules())
    assert len(walk.arrived) > 1


def weighted_layers(walk: plain.Walk) -> Iterable[tuple[str, plain.Selection]]:
    """Names of the convolutions and fully connected layers that a plain walk went through, with what it reached."""
    for node, selection in walk.selections.items():
        if node.op == "call_module" and isinstance(walk.module(node), (nn.Conv2d, nn.Linear)):
            yield str(node.target), selection


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NETWORKS)
def test_published_walk(name: str, seed: int) -> None:
    module, x = network(name, seed), picture(SIDES[name], seed)
    trace = unravel(record(module, x), TARGET, PUBLISHED)
    assert_same_places(trace, plain.Published(module, x, TARGET))
    assert_conserved(trace)


def test_published_walk_resnet18_at_full_size() -> None:
    module, x = network("resnet18", 3), picture(224, 3)
    trace = unravel(record(module, x), TARGET, PUBLISHED)
    assert_same_places(trace, plain.Published(module, x, TARGET))
    assert_conserved(trace)


@pytest.mark.parametrize("seed", [4, 5])
def test_published_walk_resnet101(seed: int) -> None:
    """The residual network of the paper; its bottlenecks have 1 x 1 convolutions on both sides of the 3 x 3."""
    module, x = network("resnet101", seed), picture(96, seed)
    trace = unravel(record(module, x), TARGET, PUBLISHED)
    assert_same_places(trace, plain.Published(module, x, TARGET))
    assert_conserved(trace)


@pytest.mark.parametrize("name", ["googlenet", "resnet18"])
def test_walks_of_the_second_picture_of_a_batch(name: str) -> None:
    module, x = network(name, 5), picture(64, 5, batch=2)
    tape = record(module, x)
    target = (1, 3)
    assert_same_places(unravel(tape, target, PUBLISHED), plain.Published(module, x, target))
    preset = evidence_preset(fan_out=2, beam=60)
    assert_same_evidence(unravel(tape, target, preset), plain.Evidence(module, x, target, fan_out=2, beam=60))


@pytest.mark.parametrize("name", NETWORKS)
def test_evidence_walk(name: str) -> None:
    module, x = network(name, 2), picture(SIDES[name], 2)
    trace = unravel(record(module, x), TARGET, evidence_preset(fan_out=3, beam=100))
    assert_same_evidence(trace, plain.Evidence(module, x, TARGET, fan_out=3, beam=100))
    assert_conserved(trace)


def evidence_preset(fan_out: int, beam: int) -> Preset:
    return dataclasses.replace(EVIDENCE, fan_out=fan_out, beam=beam)
