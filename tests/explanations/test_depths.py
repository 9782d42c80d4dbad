"""The map that joins depths, against a plain version, and the maps at single depths."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

import cnnfix_core as cnnfix
from cnnfix_core.engine import PUBLISHED, get_preset
from cnnfix_core.errors import ModelError
from cnnfix_core.explanations.depths import EvidenceMap, evidence_maps, feature_maps, joined
from cnnfix_core.receptive_fields import Axis

SIDE = 16
PLAIN = cnnfix.Preprocessing((SIDE, SIDE), (0, 0, 0), (1, 1, 1))


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(
        *(
            nn.Conv2d(3, 4, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, 2, 1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(4, 8, 1),
        ),
        *(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 7)),
    ).eval()


def explained() -> tuple[cnnfix.Model, NDArray[np.uint8]]:
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    return cnnfix.Model.of(network(), preprocessing=PLAIN), pixels


@pytest.fixture(scope="module")
def explanation() -> cnnfix.Explanation:
    return cnnfix.explain(*explained(), 2)


def plainly_drawn(found: EvidenceMap) -> list[list[float]]:
    """Each place as a Gaussian around the centre of its receptive field, one pixel at a time."""
    drawn = [[0.0] * SIDE for _ in range(SIDE)]
    for row, places in enumerate(found.evidence.tolist()):
        for column, evidence in enumerate(places):
            for y in range(SIDE):
                for x in range(SIDE):
                    down = (y - found.rows.offset - row * found.rows.stride) / (found.rows.stride / 2)
                    across = (x - found.columns.offset - column * found.columns.stride) / (found.columns.stride / 2)
                    drawn[y][x] += evidence * exp(-(down**2) / 2) * exp(-(across**2) / 2)
    return drawn


def test_the_last_map_of_each_stride_that_everything_passes_through() -> None:
    tape = cnnfix.record(network(), torch.rand(1, 3, SIDE, SIDE))
    made = [(value.producer.name, value.shape) for value in feature_maps(tape) if value.producer]
    assert made == [("aten.relu", (1, 8, 4, 4)), ("aten.relu", (1, 4, 8, 8))]


def test_all_evidence_is_on_each_map(explanation: cnnfix.Explanation) -> None:
    (maps,) = explanation.maps
    assert explanation.depths == (4, 2, 1)
    for found in maps:
        assert found.evidence.sum() == pytest.approx(1, abs=1e-6)
        assert found.evidence.min() >= 0


def test_joined_against_the_plain_version(explanation: cnnfix.Explanation) -> None:
    (maps,) = explanation.maps
    drawn = [plainly_drawn(found) for found in maps]
    sums = [sum(map(sum, one)) for one in drawn]
    mean = [
        [exp(sum(log(one[y][x] / total) for one, total in zip(drawn, sums, strict=True)) / 2) for x in range(SIDE)]
        for y in range(SIDE)
    ]
    wanted = np.array(mean) / np.sum(mean)
    assert joined(maps, (SIDE, SIDE)) == pytest.approx(wanted, rel=1e-3, abs=1e-7)
    assert explanation.map() == pytest.approx(wanted, rel=1e-3, abs=1e-7)


def test_single_depths(explanation: cnnfix.Explanation) -> None:
    (maps,) = explanation.maps
    for found in maps:
        drawn = np.array(plainly_drawn(found))
        assert explanation.map(depth=found.stride) == pytest.approx(drawn / drawn.sum(), rel=1e-3, abs=1e-7)
    assert (explanation.map(depth=1) == explanation.density()).all()
    assert (replace(explanation, preset=get_preset("evidence", depth=2)).map() == explanation.map(depth=2)).all()
    with pytest.raises(cnnfix.CnnfixError, match="choose all, 4, 2, or 1 for pixels"):
        explanation.map(depth=8)


def test_a_depth_that_one_view_does_not_have_is_none(explanation: cnnfix.Explanation) -> None:
    coarse, fine = explanation.maps[0]
    view = explanation.explained[0]
    for maps in (((coarse, fine), (fine,)), ((fine,), (coarse, fine))):
        two = replace(explanation, explained=(view, view), maps=maps)
        assert two.depths == (fine.stride, 1)
        for depth in ("all", *two.depths):
            assert two.map(depth=depth).sum() == pytest.approx(1)


def test_the_published_map_is_the_density(explanation: cnnfix.Explanation) -> None:
    published = replace(explanation, preset=PUBLISHED)
    assert (published.map() == published.density()).all()
    assert published.depths == explanation.depths


@pytest.mark.parametrize("depth", [0, -4, "most"])
def test_no_such_depth(depth: int) -> None:
    with pytest.raises(cnnfix.CnnfixError, match="choose all, the stride of a feature map, or 1"):
        get_preset("evidence", depth=depth)


def test_each_depth_is_a_method(explanation: cnnfix.Explanation) -> None:
    model, pixels = explained()
    for depth in explanation.depths:
        found = cnnfix.attribution(model, pixels, 2, f"fixations_{depth}")
        assert (found.map == explanation.map(depth=depth).astype(np.float32)).all()
        assert found.box == replace(explanation, preset=get_preset("evidence", depth=depth)).box()
    with pytest.raises(ModelError, match="no feature map of stride 32"):
        cnnfix.attribution(model, pixels, 2, "fixations_32")


def test_a_network_that_keeps_its_size_has_pixels_only() -> None:
    flat = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)).eval()
    pixels = np.full((SIDE, SIDE, 3), 200, np.uint8)
    found = cnnfix.explain(cnnfix.Model.of(flat, preprocessing=PLAIN), pixels)
    assert found.depths == (1,)
    assert (found.map() == found.density()).all()


def test_evidence_is_summed_over_channels_at_each_place() -> None:
    layers = nn.Sequential(nn.Conv2d(1, 2, 2, 2, bias=False), nn.Flatten(), nn.Linear(4, 2, bias=False)).eval()
    with torch.no_grad():
        layers[0].weight.copy_(torch.tensor([[[[1.0, 0], [0, 0]]], [[[0, 0], [0, 2.0]]]]))  # type: ignore[operator]
        layers[2].weight.copy_(torch.tensor([[1.0, 1, 1, 1], [0, 0, 0, 0]]))  # type: ignore[operator]
    tape = cnnfix.record(layers, torch.tensor([[[[1.0, 0, 3, 0], [0, 2, 0, 1]]]]))
    trace = cnnfix.unravel(tape, (0, 0))
    (found,) = evidence_maps(trace, feature_maps(tape))
    # Channel 0 holds 1 and 3, channel 1 holds 4 and 2: 5 of 10 at each place.
    assert found.evidence == pytest.approx(np.array([[0.5, 0.5]]))
    assert found.rows == Axis(2, 1, 2.0, 0.5, 2.0)
    assert found.stride == 2
