"""Where a dependence on the input is not followed: it is named, with the evidence that is lost there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.utils import percent
from tests.engine.asking import Apply


class Beside(nn.Module):
    """Scores of the sum of x and nine times a function of x; all weights are 1."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.beside = Apply(function)
        self.head = nn.Linear(2, 2)
        nn.init.ones_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(9 * self.beside(x).mean((2, 3)) + x.mean((2, 3)))
        return scores


CODES = torch.arange(9.0)


def through_codes(x: Tensor) -> Tensor:
    """As in a network with a code book: the nearest code, with a gradient straight through."""
    return x + (CODES[(x * 8).round().long()] - x).detach()


def through_complex(x: Tensor) -> Tensor:
    return torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[-2:])


CUTS = {
    "a Fourier transform and back": (through_complex, "aten._fft_c2r", "complex numbers"),
    "the absolute value of a complex number": (lambda x: torch.complex(x, x).abs(), "aten.abs", "complex numbers"),
    "the real part": (lambda x: torch.complex(x, x).real, "aten.view_as_real", "complex numbers"),
    "whole numbers": (lambda x: (x * 10).long().float() / 10, "aten._to_copy", "whole numbers"),
    "a mask as a number": (lambda x: (x > 0.5).float(), "aten._to_copy", "whole numbers"),
    "a sum of a mask": (lambda x: (x > 0.5).sum((2, 3), keepdim=True) / 16.0, "aten.div", "whole numbers"),
    "a table of numbers": (lambda x: CODES[(x * 8).long()], "aten.index", "whole numbers"),
    "NumPy": (lambda x: torch.from_numpy(x.numpy() * 1), "cnnfix.from_numbers", "numbers outside PyTorch"),
    "a list": (lambda x: torch.tensor(x.tolist()), "cnnfix.from_numbers", "numbers outside PyTorch"),
    "a number": (lambda x: torch.tensor(x.max().item()) + 0 * x, "cnnfix.from_numbers", "numbers outside PyTorch"),
}


@pytest.fixture
def x() -> Tensor:
    return torch.rand(1, 2, 4, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("case", CUTS)
def test_a_cut_is_named_with_the_evidence_that_is_lost(case: str, x: Tensor) -> None:
    function, operation, through = CUTS[case]
    module = Beside(function)
    channels = x.mean((2, 3)), 9 * function(x).mean((2, 3))
    part = float(channels[1].sum() / (channels[0] + channels[1]).sum())
    found = cnnfix.coverage(module, x)
    assert not found.complete
    assert found.stops == ()
    (cut,) = found.cuts
    assert (cut.operation, cut.module) == (operation, "beside")
    assert cut.evidence == pytest.approx(part, rel=1e-5)
    assert through in cut.why
    assert f"lose {percent(part)} of the evidence" in found.summary()
    assert found.fixations == 32

    trace = cnnfix.unravel(cnnfix.record(module, x), (0, 0))
    assert trace.cuts == found.cuts
    assert trace.left["not followed"] == pytest.approx(part, rel=1e-5)
    assert trace.fixations.evidence.sum() + trace.left["not followed"] == pytest.approx(1)


def test_a_code_book_with_a_straight_through_gradient(x: Tensor) -> None:
    (cut,) = cnnfix.coverage(Beside(through_codes), x).cuts
    assert (cut.operation, cut.module) == ("aten.index", "beside")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * (x > 0.5),
        lambda x: x * (x > 0.5).float(),
        lambda x: torch.where(x > 0.5, x, 0.0),
        lambda x: x.masked_fill(x < 0.5, 0.0),
        lambda x: x.gather(3, x.argsort(3)),
        lambda x: x.data,
        lambda x: x.detach().clone(),
        lambda x: torch.from_numpy(x.numpy()),
        lambda x: x if float(x.max()) > 0 else -x,
        lambda x: x + torch.ones(2, 1, 1) * len(x),
    ],
    ids=["mask", "mask as a number", "where", "filled", "sorted", "data", "detached", "one memory", "choice", "ones"],
)
def test_masks_indices_and_detached_values_cut_nothing(function: Callable[[Tensor], Tensor], x: Tensor) -> None:
    found = cnnfix.coverage(Beside(function), x)
    assert found.complete, found.summary()
    assert found.cuts == ()
    assert set(found.left) == {"padding", "bias"}


def test_numbers_that_left_are_named(x: Tensor) -> None:
    found = cnnfix.coverage(Beside(lambda x: x * x.max().item()), x)
    assert found.complete
    assert found.outside == ("item() in module 'beside'",)
    assert "Numbers left PyTorch at item() in module 'beside'" in found.summary()
    assert cnnfix.coverage(Beside(lambda x: x * int(x.shape[0])), x).outside == ()


def test_own_tensors_made_of_arrays_stay_constants(x: Tensor) -> None:
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.offset = torch.from_numpy(np.ones((1, 2, 4, 4), np.float32))

        def forward(self, x: Tensor) -> Tensor:
            return (x * x.max().item() + self.offset).mean((2, 3))

    found = cnnfix.coverage(Own(), x)
    assert found.complete
    assert found.cuts == ()


def test_a_walk_that_only_meets_a_cut_says_so(x: Tensor) -> None:
    tape = cnnfix.record(Apply(lambda x: torch.fft.fft2(x).abs().mean((2, 3))), x)
    with pytest.raises(cnnfix.CnnfixError, match=r"through complex numbers, which walks do not follow, at 'aten\.abs'"):
        cnnfix.unravel(tape, (0, 0))


def test_an_output_of_whole_numbers_is_refused_with_the_reason(x: Tensor) -> None:
    with pytest.raises(cnnfix.CnnfixError, match="except through whole numbers"):
        cnnfix.record(Apply(lambda x: x.argmax(1)), x)


def test_a_residual_block_with_a_cut_branch(x: Tensor) -> None:
    tape = cnnfix.record(Apply(lambda x: (through_complex(x) + x).mean((2, 3))), x)
    for preset in (cnnfix.EVIDENCE, cnnfix.PUBLISHED):
        trace = cnnfix.unravel(tape, (0, 0), preset)
        assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1)
