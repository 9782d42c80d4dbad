"""Arguments that kernels trust: those of networks pass, those that would reach beyond memory do not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision  # noqa: F401  # its operations
from torch import Tensor, nn

from cnnfix_core.zoo import open_own
from cnnfix_core.zoo.untrusted.guards import ArgumentsError, check
from cnnfix_core.zoo.untrusted.program import Named, ProgramNode
from tests.zoo.test_apart import program

aten, vision = torch.ops.aten, torch.ops.torchvision
LOW = torch.full((2,), -(2**63), dtype=torch.int64)
X, IMAGES = torch.rand(2, 6, 4), torch.rand(2, 8, 5, 5)
STATE = torch.zeros(1, 2, 3)


def weights(gates: int, wide: int = 4, hidden: int = 3) -> list[Tensor]:
    rows = gates * hidden
    return [torch.rand(rows, wide), torch.rand(rows, hidden), torch.rand(rows), torch.rand(rows)]


def rnn(hx: Any, params: list[Tensor]) -> tuple[Any, ...]:
    return X, hx, params, True, 1, 0.0, False, False, True


def regions(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)


ROI = regions((0, 0, 0, 3, 3), (1, 1, 1, 4, 4))
DEFORM = (IMAGES, torch.rand(4, 8, 3, 3), torch.zeros(2, 18, 3, 3), torch.ones(2, 9, 3, 3), torch.zeros(4))
GOOD = [
    (aten.lstm.input, rnn([STATE, STATE], weights(4))),
    (aten.gru.input, rnn(STATE, weights(3))),
    (aten.rnn_tanh.input, rnn(STATE, weights(1))),
    (aten.floor_divide.default, (LOW, torch.tensor([7, -3]))),
    (aten.div.Tensor_mode, (torch.tensor([3.0]), torch.tensor([-1.0]))),
    (aten.remainder.Scalar, (torch.tensor([3]), 2)),
    (vision.roi_align.default, (IMAGES, ROI, 1.0, 2, 2, 2, False)),
    (vision.roi_pool.default, (IMAGES, ROI, 1.0, 2, 2)),
    (vision.ps_roi_align.default, (IMAGES, ROI, 1.0, 2, 2, 2)),
    (vision.deform_conv2d.default, (*DEFORM, 1, 1, 0, 0, 1, 1, 1, 1, True)),
    (aten.native_group_norm.default, (IMAGES, torch.ones(8), torch.ones(8), 2, 8, 25, 4, 1e-5)),
    (aten.native_batch_norm.default, (IMAGES, *[torch.ones(8)] * 4, False, 0.1, 1e-5)),
    (aten.upsample_bilinear2d.default, (IMAGES, [10, 10], False, 2.0, 2.0)),
    (aten.upsample_nearest2d.vec, (IMAGES, None, [0.5, 0.5])),
    (aten._fft_c2r.default, (torch.rand(3, 4, dtype=torch.complex64), [1], 0, 6)),
    (aten._fft_r2c.default, (IMAGES, [2, 3], 0, True)),
    (aten._native_batch_norm_legit.no_stats, (IMAGES, None, None, True, 0.1, 1e-5)),
    (aten._cdist_forward.default, (X, X, 2.0, None)),
    (aten._weight_norm_interface.default, (torch.rand(3, 4), torch.rand(3, 1), 0)),
    (aten._weight_norm.default, (torch.rand(3, 4, 2), torch.rand(1, 4, 1), 1)),
    (aten.grid_sampler_2d.default, (IMAGES, torch.rand(2, 3, 3, 2), 0, 0, False)),
    (aten.native_channel_shuffle.default, (IMAGES, 4)),
]


@pytest.mark.parametrize(("call", "arguments"), GOOD, ids=lambda one: getattr(one, "_opname", ""))
def test_what_networks_ask_passes_and_runs(call: Any, arguments: tuple[Any, ...]) -> None:
    options = {"rounding_mode": "floor"} if "mode" in call._overloadname else {}
    check(call, arguments, options)
    call(*arguments, **options)


BAD = [
    (aten.lstm.input, rnn([STATE[:, :1], STATE[:, :1]], weights(4))),  # a program exported with one picture, run on two
    (aten.lstm.input, rnn([STATE, STATE], weights(3))),
    (aten.lstm.input, rnn([STATE, STATE], weights(4)[:3])),
    (aten.lstm.input, rnn([STATE, STATE], weights(4, wide=2))),
    (aten.gru.input, rnn(STATE[:, :1], weights(3))),
    (aten.gru.input, rnn(STATE.double(), weights(3))),
    (aten.rnn_relu.input, rnn(torch.zeros(2, 2, 3), weights(1))),
    (aten.floor_divide.default, (LOW, torch.tensor([-1, 2]))),
    (aten.remainder.Tensor, (LOW, torch.tensor([-1, 2]))),
    (aten.fmod.Scalar, (LOW, -1)),
    (aten.remainder.Scalar_Tensor, (-(2**63), torch.tensor([-1]))),
    (vision.roi_align.default, (IMAGES, regions((2, 0, 0, 3, 3)), 1.0, 2, 2, 2, False)),
    (vision.roi_align.default, (IMAGES, regions((0.5, 0, 0, 3, 3)), 1.0, 2, 2, 2, False)),
    (vision.roi_pool.default, (IMAGES, regions((-1, 0, 0, 3, 3)), 1.0, 2, 2)),
    (vision.roi_align.default, (IMAGES, regions((0, 0, 0, 1e9, 3)), 1.0, 2, 2, 0, False)),
    (vision.roi_align.default, (IMAGES, regions((0, 0, 0, torch.nan, 3)), 1.0, 2, 2, 0, False)),
    (vision.roi_pool.default, (IMAGES, ROI, 1.0, 0, 2)),
    (vision.ps_roi_pool.default, (IMAGES, ROI, 1.0, 3, 3)),
    (vision.deform_conv2d.default, (*DEFORM, 0, 1, 0, 0, 1, 1, 1, 1, True)),
    (vision.deform_conv2d.default, (*DEFORM, 1, 1, 0, 0, 1, 1, 1, 0, True)),
    (aten.native_group_norm.default, (IMAGES, torch.ones(8), torch.ones(8), 4, 8, 25, 4, 1e-5)),
    (aten.native_group_norm.default, (IMAGES, torch.ones(2), torch.ones(8), 2, 8, 25, 4, 1e-5)),
    (aten.native_batch_norm.default, (IMAGES, *[torch.ones(2)] * 4, False, 0.1, 1e-5)),
    (aten.upsample_bilinear2d.default, (IMAGES, [10, 10], False, 1e-9, 2.0)),
    (aten.upsample_nearest2d.default, (IMAGES, [10, 10], 0.01, 0.01)),
    (aten._fft_c2r.default, (torch.rand(3, 4, dtype=torch.complex64), [1], 0, 600)),
    (aten._fft_r2c.default, (IMAGES, [0, 5], 0, True)),
    (aten._fft_r2c.default, (IMAGES, [3, -1], 0, True)),
    (aten._fft_c2c.default, (IMAGES, [3], 3, True)),
    (aten._native_batch_norm_legit.no_stats, (IMAGES, None, None, False, 0.1, 1e-5)),
    (aten.native_batch_norm.default, (IMAGES, None, None, None, None, False, 0.1, 1e-5)),
    (aten._cdist_forward.default, (X, torch.rand(2, 6, 9), 2.0, None)),
    (aten._weight_norm_interface.default, (torch.rand(3, 4), torch.rand(1), 0)),
    (aten._weight_norm.default, (torch.rand(3, 4), torch.rand(1), 0)),
    (aten._weight_norm.default, (torch.rand(0, 4), torch.rand(0), 0)),
    (aten.grid_sampler_2d.default, (IMAGES, torch.rand(2, 3, 3, 2), 9, 0, False)),
    (aten.native_channel_shuffle.default, (IMAGES, 0)),
]


@pytest.mark.parametrize(("call", "arguments"), BAD, ids=lambda one: getattr(one, "_opname", ""))
def test_what_would_reach_beyond_memory_is_refused(call: Any, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ArgumentsError):
        check(call, arguments, {})


@pytest.mark.parametrize(
    ("call", "arguments", "options"),
    [
        (aten.sum.default, (X,), {"dtype": -2}),
        (aten.softmax.int, (X, -1, 99), {}),
        (aten.to.dtype, (X, Named("size")), {}),
        (aten.zeros_like.default, (X,), {"layout": 77}),
        (aten.clone.default, (X,), {"memory_format": -3}),
    ],
)
def test_a_number_is_no_type(call: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentsError, match=r"is no (dtype|layout|memory_format)"):
        ProgramNode(call, [*arguments], options, ["y"])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
def test_recurrent_networks_run_on_one_picture_and_on_several(kind: type[nn.RNNBase], options: dict[str, Any]) -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cut = nn.Conv2d(3, 8, 4, 4)  # 16 moments: export writes each as operations of its own
            self.rnn = kind(8, 6, batch_first=True, **options)
            self.head = nn.Linear(12 if options.get("bidirectional") else 6, 3)

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.head(self.rnn(self.cut(x).flatten(2).transpose(1, 2))[0][:, -1])
            return scores

    module, pictures = Recurrent(), torch.rand(3, 3, 16, 16)
    opened = open_own(program(module), "recurrent").module
    assert torch.allclose(opened(pictures), module(pictures), atol=1e-5)
