"""Which factor of a product is a feature, and which a gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnfix_core.engine.gates import followed_factors
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.tape import Tape
from cnnfix_core.engine.walk import unravel
from tests.engine.asking import Apply

MAP = (1, 4, 3, 3)


def taped(function: Callable[..., Any]) -> Tape:
    """Recorded with two maps."""
    a, b = (torch.randn(MAP, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) for n in range(2))
    return record(Apply(function), a, b)


def followed(function: Callable[..., Any], elementwise: bool = True) -> tuple[int, ...]:
    """Of the factors of the last operation."""
    tape = taped(function)
    return followed_factors(tape.operations[-1].args[:2], elementwise)


def is_gate(gate: Callable[[Tensor], Any]) -> bool:
    """Whether the walk passes over gate(b) and follows the other factor, wherever it stands."""
    return followed(lambda a, b: a * gate(b)) == (0,) and followed(lambda a, b: gate(b) * a) == (1,)


@pytest.mark.parametrize(
    "gate",
    [
        torch.sigmoid,
        F.hardsigmoid,
        lambda b: b.softmax(1),
        lambda b: b.sigmoid() * 2,
        lambda b: 1 - b.sigmoid(),
        lambda b: b.sigmoid() / 2 + 0.5,
        lambda b: b.sigmoid().permute(0, 1, 3, 2),
        lambda b: b.reshape(1, 36).softmax(1).view(MAP),
        lambda b: torch.cat([b, b], 1).chunk(2, 1)[1].sigmoid(),
        lambda b: torch.cat([b, b], 1).sigmoid().chunk(2, 1)[1],
        lambda b: F.interpolate(b[..., :1, :1].sigmoid(), size=3),
        lambda b: b.mean((2, 3), keepdim=True).sigmoid().expand(MAP),
        # With two bounds, where nothing else is a gate.
        F.relu6,
        lambda b: F.relu6(b + 3) / 6,
        lambda b: b.clamp(0, 1),
        lambda b: b.clamp(min=0, max=1),
    ],
)
def test_a_gate_is_a_sigmoid_or_softmax_moved_and_scaled_at_most(gate: Callable[[Tensor], Any]) -> None:
    assert is_gate(gate)


@pytest.mark.parametrize(
    "feature",
    [
        lambda b: b,
        F.relu,
        torch.tanh,
        F.silu,
        lambda b: b.clamp(min=0),
        lambda b: b.clamp(max=1),
        lambda b: aten_clamp(b, 0.0, None),
        lambda b: b.sigmoid() * b,  # a product of two is a feature
        lambda b: F.conv2d(b.sigmoid(), torch.ones(4, 4, 1, 1, dtype=b.dtype)),
    ],
)
def test_two_features_are_both_followed(feature: Callable[[Tensor], Any]) -> None:
    assert followed(lambda a, b: a * feature(b)) == (0, 1)


def aten_clamp(x: Tensor, low: float | None, high: float | None) -> Tensor:
    return torch.ops.aten.clamp(x, low, high)


def test_what_is_broadcast_over_the_other_is_a_gate() -> None:
    pooled = lambda b: b.mean((2, 3), keepdim=True)  # noqa: E731
    assert is_gate(pooled)
    assert is_gate(lambda b: pooled(b).tanh())
    # In a matrix product sizes say nothing.
    assert followed(lambda a, b: torch.mm(a[0, 0], b[0, 0, :, :1]), elementwise=False) == (0, 1)


def test_the_stronger_sign_of_a_gate_decides() -> None:
    """A sigmoid is a gate though it is the larger; a broadcast factor is one before a clamped one."""
    assert followed(lambda a, b: a.sigmoid() * b.mean((2, 3), keepdim=True)) == (1,)
    assert followed(lambda a, b: F.relu6(a) * b.mean((2, 3), keepdim=True)) == (0,)
    assert followed(lambda a, b: a.sigmoid() * F.relu6(b)) == (1,)


def test_two_gates_are_both_followed() -> None:
    assert followed(lambda a, b: a.sigmoid() * b.softmax(1)) == (0, 1)
    assert followed(lambda a, b: F.relu6(a) * b.clamp(0, 1)) == (0, 1)


def test_a_constant_factor_is_never_followed() -> None:
    constant = torch.ones(MAP, dtype=torch.float64)
    assert followed(lambda a, b: constant * b.sigmoid()) == (1,)
    assert followed(lambda a, b: b.sigmoid() * 3) == (0,)


def test_squeeze_and_excitation_follows_the_feature() -> None:
    """The gate's own input is not walked to."""
    squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 1)).double()
    for gate in (torch.sigmoid, F.hardsigmoid, lambda x: F.relu6(x + 3) / 6):
        for preset in (EVIDENCE, PUBLISHED):
            tape = taped(lambda a, b: a * gate(squeeze(b)))  # noqa: B023
            trace = unravel(tape, (0, 1, 2, 0), preset)
            assert trace.fixations_of(0).index.tolist() == [[0, 1, 2, 0]]
            assert len(trace.fixations_of(1)) == 0


def test_a_swish_that_is_written_out_follows_its_input() -> None:
    fixations = unravel(taped(lambda a, b: a * a.sigmoid()), (0, 1, 2, 0)).fixations
    assert fixations.index.tolist() == [[0, 1, 2, 0]]
    assert fixations.sign.tolist() == [1]


def test_a_square_gives_all_to_its_one_factor() -> None:
    tape = taped(lambda a, b: a * a)
    for target in ((0, 1, 2, 0), (0, 3, 1, 1), (0, 0, 0, 2)):
        for preset in (EVIDENCE, PUBLISHED):
            fixations = unravel(tape, target, preset).fixations
            assert fixations.index.tolist() == [list(target)]
            assert fixations.evidence.tolist() == [1]
            expected = -1 if preset.signed and tape.inputs[0].array()[target] < 0 else 1
            assert fixations.sign.tolist() == [expected]


def test_a_mask_is_a_coefficient() -> None:
    """What a comparison gives is a constant, as a number too."""
    x = torch.tensor([[3.0, -2.0, 1.0]], dtype=torch.float64)
    for masked in (lambda x: x * (x > 0), lambda x: x * (x > 0).to(x.dtype), lambda x: x[:, x[0] > 0]):
        trace = unravel(record(Apply(masked), x), lambda result: result.sum())
        assert trace.fixations.index.tolist() == [[0, 0], [0, 2]]
        assert trace.fixations.evidence.tolist() == pytest.approx([0.75, 0.25])
