"""Views, frames or patches folded into the batch: the walk is that of the same network asked one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.engine.tape import Tape
from cnnfix_core.engine.topology import Structure


class Frames(nn.Module):
    """The mean score of several frames, which go through the network one by one, or folded into the batch."""

    def __init__(self, folded: bool, pooled: bool, seed: int, normalised: bool = False) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.folded, self.pooled = folded, pooled
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()
        )
        if normalised:  # which folds the batch into the channels
            self.body.insert(4, nn.InstanceNorm2d(16, affine=True))
        self.head = nn.Sequential(nn.Linear(16 if pooled else 16 * 64, 12), nn.ReLU(), nn.Linear(12, 5))
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.normal_(layer.bias, 0.1, 0.5)  # some elements have no contributing input

    def scores(self, x: Tensor) -> Tensor:
        maps = self.body(x)
        found: Tensor = self.head(maps.mean((2, 3)) if self.pooled else maps.flatten(1))
        return found

    def forward(self, x: Tensor) -> Tensor:
        if self.folded:
            return self.scores(x.flatten(0, 1)).view(*x.shape[:2], -1).mean(1)
        return torch.stack([self.scores(x[:, n]) for n in range(x.shape[1])], 1).mean(1)


@pytest.fixture
def frames() -> Tensor:
    x = torch.rand(2, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[:, 1] *= 0.05
    return x


def evidence(trace: Any, shape: Any) -> Any:
    found = np.zeros(shape)
    np.add.at(found, tuple(trace.index.T), trace.evidence)
    return found


PRESETS = [cnnfix.EVIDENCE, cnnfix.PUBLISHED, replace(cnnfix.EVIDENCE, name="narrow", beam=40)]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@pytest.mark.parametrize("pooled", [True, False])
@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_folded_frames_walk_like_frames_one_by_one(
    preset: cnnfix.Preset, pooled: bool, normalised: bool, seed: int, frames: Tensor
) -> None:
    tapes = [cnnfix.record(Frames(folded, pooled, seed, normalised).double(), frames) for folded in (False, True)]
    for item in range(2):
        target = (item, int(tapes[0].output_tensor[item].argmax()))
        alone, folded = (cnnfix.unravel(tape, target, preset) for tape in tapes)
        wanted = evidence(alone.fixations, frames.shape)
        np.testing.assert_allclose(evidence(folded.fixations, frames.shape), wanted, atol=1e-9)
        assert folded.left == pytest.approx(alone.left, abs=1e-9)
        for hop in folded.hops:  # the lineage brings each element its evidence
            selection = folded.selection(hop.input)
            incoming = sum(
                other.down(np.ones(len(folded.selection(other.output))))
                for other in folded.hops
                if other.input is hop.input
            )
            np.testing.assert_allclose(incoming, selection.evidence, rtol=1e-6)


class Patches(nn.Module):
    """A fully connected network of pictures, folded into the batch or one by one."""

    def __init__(self, folded: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.folded, self.head = folded, nn.Linear(3 * 4 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        if self.folded:
            return self.head(x.flatten(0, 1).flatten(1)).view(*x.shape[:2], -1).sum(1)
        return sum(self.head(x[:, n].flatten(1)) for n in range(x.shape[1]))  # type: ignore[return-value]


def test_folded_patches_without_a_convolution() -> None:
    x = torch.rand(1, 3, 3, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    alone, folded = (cnnfix.unravel(cnnfix.record(Patches(way).double(), x), (0, 0)).fixations for way in (False, True))
    assert alone.index.tolist() == folded.index.tolist()


class Tokens(nn.Module):
    """Places of one picture as rows: of a map, or of patches cut by moving dimensions."""

    def __init__(self, convolved: bool) -> None:
        super().__init__()
        self.convolved, self.cut, self.mix = convolved, nn.Conv2d(3, 12, 2, 2), nn.Linear(12, 12)

    def forward(self, x: Tensor) -> Tensor:
        if self.convolved:
            tokens = self.cut(x).flatten(2).transpose(1, 2)
        else:
            tokens = x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        return self.mix(tokens.contiguous()).mean(1)  # type: ignore[no-any-return]


def matrices(tape: Tape) -> list[bool]:
    """Whether the rows of each fully connected layer are places."""
    structure, inputs = Structure(tape), {"aten.addmm": 1, "aten.mm": 0}
    return [structure.has_places(op.args[inputs[op.name]]) for op in tape.operations if op.name in inputs]


@pytest.mark.parametrize("convolved", [True, False])
def test_tokens_are_places(convolved: bool) -> None:
    assert matrices(cnnfix.record(Tokens(convolved), torch.rand(2, 3, 8, 8))) == [True]


@pytest.mark.parametrize("pooled", [True, False])
def test_folded_frames_are_items(pooled: bool, frames: Tensor) -> None:
    assert matrices(cnnfix.record(Frames(True, pooled, 0).double(), frames)) == [False, False]


def test_copies_of_a_picture_are_contrasted_like_the_picture(frames: Tensor) -> None:
    network = Frames(folded=True, pooled=True, seed=1).double()

    class Twice(nn.Module):
        """Asks about the picture and a copy of it in one batch, and takes the scores of the picture."""

        def forward(self, x: Tensor) -> Tensor:
            return network.scores(torch.cat([x, x]))[: len(x)]

    class Once(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return network.scores(x)

    found = [
        cnnfix.unravel(cnnfix.record(one, frames[:1, 0]), (0, 2), rivals=[(0, 0), (0, 4)]) for one in (Once(), Twice())
    ]
    expected, copied = (evidence(trace.fixations, (1, 3, 16, 16)) for trace in found)
    np.testing.assert_allclose(copied, expected, rtol=1e-9)
