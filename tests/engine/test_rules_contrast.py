"""Contrasts at the last feature map: the map, the evidence taken away, and what stays exact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.engine import EVIDENCE, Tape, Trace, record, unravel
from cnnfix_core.engine.last_map import RATHER_THAN, last_map
from tests.engine.asking import covers

PLAIN = replace(EVIDENCE, beam=None)


def filled(layer: nn.Module, weights: list[object]) -> None:
    with torch.no_grad():
        next(layer.parameters()).copy_(torch.tensor(weights))


def two_channels() -> tuple[nn.Module, Tensor]:
    """Two channels of 1 x 3 places and three classes: a reads channel 0, b channel 1, c both."""
    network = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten(), nn.Linear(6, 3, bias=False))
    filled(network[0], [[[[1.0]]], [[[2.0]]]])
    filled(network[2], [[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 1], [1, 1, 1, 1, 1, 1]])
    return network.eval(), torch.tensor([[[[1.0, 3, 4]]]])


def by_place(trace: Trace) -> list[float]:
    found = np.zeros(3)
    found[trace.fixations.index[:, 3]] += trace.fixations.evidence
    return found.tolist()


@covers(RATHER_THAN)
def test_what_is_left_of_each_place_by_hand() -> None:
    network, x = two_channels()
    tape = record(network, x)
    # a: 1, 3, 4 of 8. b reads places 0 and 2 of channel 1: 2 and 8 of 10.
    assert by_place(unravel(tape, (0, 0), PLAIN)) == pytest.approx([1 / 8, 3 / 8, 4 / 8])
    beyond = np.maximum(np.array([1 / 8, 3 / 8, 4 / 8]) - [0.2, 0, 0.8], 0)
    assert by_place(unravel(tape, ((0, 0), (0, 1)), PLAIN)) == pytest.approx((beyond / beyond.sum()).tolist())
    half = np.maximum(np.array([1 / 8, 3 / 8, 4 / 8]) - 0.5 * np.array([0.2, 0, 0.8]), 0)
    found = unravel(tape, (0, 0), PLAIN, rivals=[(0, 1)])
    assert by_place(found) == pytest.approx((half / half.sum()).tolist())
    assert sum(found.left.values()) + found.fixations.evidence.sum() == pytest.approx(1)


def test_a_preset_without_contrast_ignores_rivals() -> None:
    network, x = two_channels()
    tape = record(network, x)
    found = unravel(tape, (0, 0), replace(PLAIN, contrast=0.0), rivals=[(0, 1)])
    assert found.tape is tape


def test_several_rivals_count_equally() -> None:
    network, x = two_channels()
    tape = record(network, x)
    both = np.mean([[0.2, 0, 0.8], [3 / 24, 9 / 24, 12 / 24]], axis=0)
    half = np.maximum(np.array([1 / 8, 3 / 8, 4 / 8]) - 0.5 * both, 0)
    found = unravel(tape, (0, 0), PLAIN, rivals=[(0, 1), (0, 2)])
    # c's evidence is on both channels: all of it counts at its place.
    assert by_place(found) == pytest.approx((half / half.sum()).tolist())


NETWORKS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "resnet18": (lambda: torchvision.models.resnet18(weights=None), "layer4.1.relu"),
    "vgg11": (lambda: torchvision.models.vgg11(weights=None), "avgpool"),
    "densenet121": (lambda: torchvision.models.densenet121(weights=None), ""),
    "convnext_tiny": (lambda: torchvision.models.convnext_tiny(weights=None), "features.7.2"),
    "squeezenet1_1": (lambda: torchvision.models.squeezenet1_1(weights=None), "classifier.2"),
}


def taped(name: str, pictures: int = 1) -> Tape:
    torch.manual_seed(1)
    return record(NETWORKS[name][0]().eval(), torch.randn(pictures, 3, 96, 96))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_map_of_common_networks(name: str) -> None:
    found = last_map(taped(name))
    assert found is not None
    assert found.value.producer is not None
    assert found.value.producer.module.startswith(NETWORKS[name][1])
    assert len(found.value.shape) == 4
    assert found.value.shape[2] == found.value.shape[3] > 1


def test_a_network_without_a_map_subtracts_the_scores() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3)).eval()
    tape = record(network, torch.rand(1, 4))
    assert last_map(tape) is None
    trace = unravel(tape, ((0, 0), (0, 1)))
    assert RATHER_THAN not in {operation.name for operation in trace.tape.operations}
    assert trace.tape.output_tensor[0, 0].item() == pytest.approx(
        float(tape.output_tensor[0, 0] - tape.output_tensor[0, 1])
    )


@pytest.mark.parametrize("name", ["resnet18", "vgg11"])
def test_evidence_is_kept_and_lineage_is_exact(name: str) -> None:
    trace = unravel(taped(name), ((0, 3), (0, 5)))
    assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1, abs=1e-9)
    came = {value: np.zeros(len(trace.selection(value))) for value in trace.values}
    for hop in trace.hops:
        came[hop.input] += hop.down(np.ones(len(trace.selection(hop.output))))
    for value in trace.values[1:]:
        np.testing.assert_allclose(came[value], trace.selection(value).evidence, rtol=1e-6)


def test_in_a_batch_a_picture_is_explained_as_alone() -> None:
    torch.manual_seed(1)
    network, pictures = NETWORKS["resnet18"][0]().eval().double(), torch.randn(3, 3, 96, 96).double()
    batch = record(network, pictures)
    for number, wanted, rivals in ((0, 4, (1, 2)), (2, 9, (7, 8))):
        found = unravel(batch, (number, wanted), EVIDENCE, [(number, rival) for rival in rivals]).fixations
        alone = unravel(
            record(network, pictures[number : number + 1]), (0, wanted), EVIDENCE, [(0, rival) for rival in rivals]
        ).fixations
        assert (found.index[:, 0] == number).all()
        assert (found.index[:, 1:] == alone.index[:, 1:]).all()
        np.testing.assert_allclose(found.evidence, alone.evidence, rtol=1e-9)


def test_equal_evidence_leaves_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(3, 2, bias=False)).eval()
    filled(network[0], [[[[1.0]]]])
    filled(network[2], [[1, 1, 1], [2, 2, 2]])
    with pytest.raises(cnnfix.CnnfixError):
        unravel(record(network, torch.ones(1, 1, 1, 3)), ((0, 0), (0, 1)))


def test_scores_at_places_are_subtracted() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3)).eval()
    tape = record(network, torch.randn(1, 3, 8, 8))
    assert last_map(tape) is None
    a, b = sorted(((0, 1, 2, 2), (0, 2, 2, 2)), key=lambda place: -float(tape.output_tensor[place]))
    assert unravel(tape, (a, b)).fixations.evidence.sum() > 0.5
