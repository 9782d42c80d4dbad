"""Fused operations: recorded as simpler ones, with the same result, and walked through like those."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.tape import Tape
from cnnfix_core.engine.walk import unravel
from tests.engine.asking import Apply
from tests.plain import recurrent as slow

BOTH = pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def names(tape: Tape) -> set[str]:
    return {operation.name for operation in tape.operations}


@BOTH
@pytest.mark.parametrize(
    ("fused", "written_out"),
    [
        (lambda a, b, c: torch.addcmul(a, b, c, value=0.5), lambda a, b, c: a + 0.5 * b * c),
        (lambda a, b, c: torch.addcdiv(a, b, c, value=0.5), lambda a, b, c: a + 0.5 * (b / c)),
        (lambda a, b, c: F.glu(a, 2), lambda a, b, c: a[..., :2] * a[..., 2:].sigmoid()),
        (lambda a, b, c: torch.lerp(a, b, 0.3), lambda a, b, c: a + 0.3 * (b - a)),
        (lambda a, b, c: torch.lerp(a, b, 0.8), lambda a, b, c: b - 0.2 * (b - a)),
        (torch.baddbmm, lambda a, b, c: torch.bmm(b, c) + a),
        (lambda a, b, c: torch.baddbmm(a, b, c, beta=0.5, alpha=-2), lambda a, b, c: torch.bmm(b, c) * -2 + a * 0.5),
    ],
    ids=["addcmul", "addcdiv", "glu", "lerp", "lerp to the second", "baddbmm", "baddbmm with factors"],
)
def test_fused_arithmetic(fused: Callable[..., Tensor], written_out: Callable[..., Tensor], preset: Preset) -> None:
    given = [random(3, 4, 4, seed=n) for n in range(3)]
    tape, twin = (record(Apply(function), *given) for function in (fused, written_out))
    assert torch.allclose(tape.result, fused(*given), atol=1e-12)
    assert torch.allclose(tape.result, twin.result, atol=1e-12)
    assert not names(tape) & {"aten.addcmul", "aten.addcdiv", "aten.glu", "aten.lerp", "aten.baddbmm"}
    target = tuple(int(n) for n in torch.unravel_index(tape.result.argmax(), tape.result.shape))
    walk, other = unravel(tape, target, preset), unravel(twin, target, preset)
    for number in range(3):
        one, expected = walk.fixations_of(number), other.fixations_of(number)
        assert one.index.tolist() == expected.index.tolist()
        assert one.evidence == pytest.approx(expected.evidence)


# --- recurrent layers -------------------------------------------------------------------------------------------------


class Packed(nn.Module):
    """Two sequences of four and three steps, packed for a recurrent layer and unpacked again."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Any:
        packed = nn.utils.rnn.pack_padded_sequence(x, [4, 3], batch_first=self.layer.batch_first)
        out, state = self.layer(packed)
        return nn.utils.rnn.pad_packed_sequence(out, batch_first=self.layer.batch_first)[0], state


# A bias that is computed from the input, in an operator that adds it itself, and the same written as a sum.
X, MATRIX, FILTERS = random(3, 4, 5, 5), random(4, 4, seed=1), random(4, 4, 3, 3, seed=2)
OF_CHANNELS: Callable[[Tensor], Tensor] = lambda x: x.amax((0, 2, 3)) - 1  # noqa: E731
PLACES: Callable[[Tensor], Tensor] = lambda x: OF_CHANNELS(x)[:, None, None]  # noqa: E731
STATISTICS = random(4, seed=3), random(4, seed=4).abs() + 0.5
BIASES: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "linear": (
        lambda x: F.linear(x[:, :, 0, 0], MATRIX, OF_CHANNELS(x)),
        lambda x: F.linear(x[:, :, 0, 0], MATRIX) + OF_CHANNELS(x),
    ),
    "linear over places": (
        lambda x: F.linear(x.permute(0, 2, 3, 1).contiguous(), MATRIX, OF_CHANNELS(x)),
        lambda x: F.linear(x.permute(0, 2, 3, 1).contiguous(), MATRIX) + OF_CHANNELS(x),
    ),
    "addmm": (
        lambda x: torch.addmm(x[:, :, 1, 1], x[:, :, 0, 0], MATRIX, beta=0.5, alpha=-2),
        lambda x: x[:, :, 0, 0] @ MATRIX * -2 + x[:, :, 1, 1] * 0.5,
    ),
    "addmm in place": (
        lambda x: (x[:, :, 1, 1] * 1).addmm_(x[:, :, 0, 0], MATRIX),
        lambda x: x[:, :, 0, 0] @ MATRIX + x[:, :, 1, 1],
    ),
    "addmm to another tensor": (
        lambda x: torch.addmm(x[:, :, 1, 1], x[:, :, 0, 0], MATRIX, beta=2, out=x[:, :, 2, 2].clone()),
        lambda x: x[:, :, 0, 0] @ MATRIX + x[:, :, 1, 1] * 2,
    ),
    "addmv": (
        lambda x: torch.addmv(x[0, :, 1, 1], MATRIX, x[0, :, 0, 0]),
        lambda x: x[0, :, 1, 1] + MATRIX.mv(x[0, :, 0, 0]),
    ),
    "addbmm": (
        lambda x: torch.addbmm(x[0, 0], x[0], X[1]),
        lambda x: x[0, 0] + torch.bmm(x[0], X[1]).sum(0),
    ),
    "convolution": (
        lambda x: F.conv2d(x, FILTERS, OF_CHANNELS(x), padding=1),
        lambda x: F.conv2d(x, FILTERS, padding=1) + PLACES(x),
    ),
    "transposed": (
        lambda x: F.conv_transpose2d(x, FILTERS, OF_CHANNELS(x), stride=2),
        lambda x: F.conv_transpose2d(x, FILTERS, stride=2) + PLACES(x),
    ),
    "batch norm": (
        lambda x: F.batch_norm(x, *STATISTICS, MATRIX[0], OF_CHANNELS(x)),
        lambda x: F.batch_norm(x, *STATISTICS) * MATRIX[0][:, None, None] + PLACES(x),
    ),
    "group norm": (
        lambda x: F.group_norm(x, 2, None, OF_CHANNELS(x)),
        lambda x: F.group_norm(x, 2) + PLACES(x),
    ),
    "layer norm": (
        lambda x: F.layer_norm(x, (5,), MATRIX[0, :1].expand(5), x.amax((0, 1, 2))),
        lambda x: F.layer_norm(x, (5,)) * MATRIX[0, :1].expand(5) + x.amax((0, 1, 2)),
    ),
}


@BOTH
@pytest.mark.parametrize("name", BIASES)
def test_a_bias_that_is_computed_is_a_term_of_a_sum(name: str, preset: Preset) -> None:
    tapes = [record(Apply(function), X) for function in BIASES[name]]
    fused, written_out = (tape.output_tensor for tape in tapes)
    assert torch.allclose(fused, BIASES[name][0](X), atol=1e-5)
    assert torch.allclose(fused, written_out, atol=1e-5)
    best = tuple(map(int, np.unravel_index(int(fused.argmax()), fused.shape)))
    found, expected = (unravel(tape, best, preset).fixations for tape in tapes)
    assert found.index.tolist() == expected.index.tolist()
    assert found.sign.tolist() == expected.sign.tolist()
    assert found.evidence == pytest.approx(expected.evidence, rel=1e-4)


LAYERS: dict[str, Callable[[], nn.RNNBase]] = {
    "lstm": lambda: nn.LSTM(3, 4),
    "lstm of two layers, both directions": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
    "lstm without bias": lambda: nn.LSTM(3, 4, bias=False, dropout=0.0),
    "lstm with projections": lambda: nn.LSTM(3, 4, proj_size=2),
    "gru of two layers, both directions": lambda: nn.GRU(3, 4, num_layers=2, bidirectional=True),
    "rnn": lambda: nn.RNN(3, 4),
    "rnn of two layers with relu": lambda: nn.RNN(3, 4, num_layers=2, nonlinearity="relu", batch_first=True),
}


def most_active(result: Any) -> Tensor:
    """The number of the last hidden state that is the furthest from 0, made positive."""
    state = result[1][0] if isinstance(result[1], tuple) else result[1]
    last = state[-1, 0]
    at = last.abs().argmax()
    return last[at] * (-1.0 if last[at] < 0 else 1.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_a_recurrent_layer_computes_what_it_does_unrecorded(name: str, packed: bool, dtype: torch.dtype) -> None:
    """In single precision LSTMs are one fused operation of the CPU, in double precision they are not."""
    torch.manual_seed(1)
    layer = LAYERS[name]().to(dtype).eval()
    x = random(2, 4, 3, dtype=dtype) if layer.batch_first else random(4, 2, 3, dtype=dtype)
    module = Packed(layer) if packed else layer
    with torch.no_grad():
        expected = tree_leaves(module(x))
    tape = record(module, x)
    for one, other in zip(tree_leaves(tape.result), expected, strict=True):
        assert one.shape == other.shape
        assert torch.allclose(one, other, atol=1e-6)
    assert "aten.mkldnn_rnn_layer" not in names(tape)
    trace = unravel(tape, most_active)
    assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1)
    assert set(trace.fixations.index[:, 0 if layer.batch_first else 1].tolist()) == {0}


def plain_weights(layer: nn.RNNBase, suffix: str) -> tuple[Any, ...]:
    """The matrices and biases of one layer and direction, in double precision."""
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return tuple(getattr(layer, f"{kind}_l0{suffix}").detach().double().numpy() for kind in kinds)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("direction", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_walk_through_an_lstm_is_that_of_its_equations(direction: int, dtype: torch.dtype, seed: int) -> None:
    """From each number of the last hidden state of either direction, in one sequence, to the steps."""
    torch.manual_seed(seed)
    layer = nn.LSTM(3, 4, bidirectional=True).to(dtype)
    xs = random(5, 3, seed=seed, dtype=dtype)
    tape = record(layer, xs[:, None])
    w, u, *bias = plain_weights(layer, "_reverse" if direction else "")
    fused = dtype == torch.float32
    # The fused operation is taken apart with both biases beside w x.
    sides = (bias[0] + bias[1], 0 * bias[1]) if fused else (bias[0], bias[1])
    steps = xs.double().numpy()[::-1] if direction else xs.double().numpy()
    for unit in range(4):
        sign = 1 if tape.result[1][0][direction, 0, unit] > 0 else -1
        expected = slow.lstm(steps, w, u, sides, {(unit, sign): 1.0}, at_once=not fused)
        trace = unravel(tape, lambda result: result[1][0][direction, 0, unit] * sign)  # noqa: B023
        assert_reaches(trace.fixations, expected, backwards=direction == 1, steps=5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("direction", [0, 1])
def test_a_walk_through_a_gru_is_that_of_its_equations(direction: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer = nn.GRU(3, 4, bidirectional=True).double()
    xs = random(5, 3, seed=seed)
    tape = record(layer, xs[:, None])
    w, u, *bias = plain_weights(layer, "_reverse" if direction else "")
    steps = xs.numpy()[::-1] if direction else xs.numpy()
    for unit in range(4):
        sign = 1 if tape.result[1][direction, 0, unit] > 0 else -1
        expected = slow.gru(steps, w, u, (bias[0], bias[1]), {(unit, sign): 1.0})
        trace = unravel(tape, lambda result: result[1][direction, 0, unit] * sign)  # noqa: B023
        assert_reaches(trace.fixations, expected, backwards=direction == 1, steps=5)


def assert_reaches(fixations: Any, expected: slow.Asked, backwards: bool, steps: int) -> None:
    found = {
        ((steps - 1 - t if backwards else t, feature), sign): evidence
        for (t, _, feature), sign, evidence in zip(
            fixations.index.tolist(), fixations.sign.tolist(), fixations.evidence.tolist(), strict=True
        )
    }
    assert len(expected) > 1
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_a_cell_walks_like_a_layer_of_one_step(kind: type[nn.RNNCellBase]) -> None:
    torch.manual_seed(2)
    cell = kind(3, 4).double()
    layer = {nn.LSTMCell: nn.LSTM, nn.GRUCell: nn.GRU, nn.RNNCell: nn.RNN}[kind](3, 4).double()  # type: ignore[index]
    layer.load_state_dict({f"{name}_l0": tensor for name, tensor in cell.state_dict().items()})
    x = random(1, 3)
    state = cell(x)[0] if kind is nn.LSTMCell else cell(x)
    tapes = record(cell, x), record(layer, x[None])
    assert torch.allclose(tapes[0].output_tensor, tapes[1].output_tensor[0])
    at = int(state.abs().argmax())
    sign = 1.0 if state.flatten()[at] > 0 else -1.0
    one, other = (unravel(tape, lambda result: tree_leaves(result)[0].flatten()[at] * sign).fixations for tape in tapes)
    assert one.index[:, 1].tolist() == other.index[:, 2].tolist()
    assert one.evidence == pytest.approx(other.evidence)


def test_a_convolutional_network_with_a_recurrent_head_walks_to_its_picture() -> None:
    """The columns of a map one after another, as networks that read text do."""
    torch.manual_seed(3)
    body, lstm, head = nn.Conv2d(1, 4, 3, padding=1), nn.LSTM(4, 5, bidirectional=True), nn.Linear(10, 3)

    def function(x: Tensor) -> Tensor:
        columns = F.relu(body(x)).mean(2).permute(2, 0, 1)
        return head(lstm(columns)[0])

    module = Apply(function)
    module.body, module.lstm, module.head = body, lstm, head
    tape = record(module, random(1, 1, 6, 7, dtype=torch.float32))
    target = (3, 0, int(tape.output_tensor[3, 0].argmax()))
    trace = unravel(tape, target)
    assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1, rel=1e-5)
    assert len(set(trace.fixations.index[:, 3].tolist())) > 1


# --- attention --------------------------------------------------------------------------------------------------------


class Encoded(nn.Module):
    """Patches through a transformer encoder."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.cut = nn.Conv2d(3, 16, 8, 8)
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, **options)
        self.mix, self.head = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.mix(self.cut(x).flatten(2).transpose(1, 2)).mean(1))
        return scores


ENCODERS: dict[str, dict[str, Any]] = {"relu": {}, "gelu, normalised first": {"activation": "gelu", "norm_first": True}}


@pytest.mark.parametrize("options", ENCODERS.values(), ids=ENCODERS)
@pytest.mark.parametrize("traced", [False, True], ids=["module", "traced"])
def test_walks_get_through_fused_encoders(options: dict[str, Any], traced: bool) -> None:
    module, x = Encoded(**options).eval(), random(1, 3, 32, 32, dtype=torch.float32)
    with torch.no_grad():
        expected = module(x)
        used: Any = torch.jit.trace(module, x) if traced else module
    tape = record(used, x)
    assert not names(tape) & {"aten._transformer_encoder_layer_fwd", "aten._native_multi_head_attention"}
    assert torch.allclose(tape.result, expected, atol=1e-5)
    trace = unravel(tape, (0, int(expected.argmax())))
    assert trace.fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("mask", ["none", "of positions", "of keys"])
@pytest.mark.parametrize("options", ENCODERS.values(), ids=ENCODERS)
def test_a_fused_encoder_layer_computes_what_it_does_unrecorded(options: dict[str, Any], mask: str) -> None:
    torch.manual_seed(1)
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, **options).eval()
    x = random(2, 5, 16, dtype=torch.float32)
    seen = torch.ones(5, 5).triu(1).bool() if mask == "of positions" else torch.arange(5) > torch.tensor([[3], [2]])
    kind = {"none": None, "of positions": 0, "of keys": 1}[mask]
    attention, given = layer.self_attn, None if mask == "none" else seen

    def fused(x: Tensor) -> Tensor:
        return torch._transformer_encoder_layer_fwd(
            *(x, 16, 2, attention.in_proj_weight, attention.in_proj_bias),
            *(attention.out_proj.weight, attention.out_proj.bias, bool(options), bool(options), layer.norm1.eps),
            *(layer.norm1.weight, layer.norm1.bias, layer.norm2.weight, layer.norm2.bias),
            *(layer.linear1.weight, layer.linear1.bias, layer.linear2.weight, layer.linear2.bias, given, kind),
        )

    with torch.no_grad():
        expected = layer(x, **({} if mask == "none" else {"src_mask" if kind == 0 else "src_key_padding_mask": seen}))
        assert torch.allclose(fused(x), expected, atol=1e-5)
    tape = record(Apply(fused), x)
    assert "aten._transformer_encoder_layer_fwd" not in names(tape)
    assert torch.allclose(tape.result, expected, atol=1e-5)


@pytest.mark.parametrize("average", [True, False])
def test_fused_attention_gives_its_weights(average: bool) -> None:
    torch.manual_seed(2)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = random(2, 3, 8, dtype=torch.float32)

    def fused(x: Tensor) -> Any:
        out = attention.out_proj
        return torch._native_multi_head_attention(
            *(x, x, x, 8, 2, attention.in_proj_weight, attention.in_proj_bias, out.weight, out.bias),
            need_weights=True,
            average_attn_weights=average,
        )

    with torch.no_grad():
        expected = attention(x, x, x, average_attn_weights=average)
    tape = record(Apply(fused), x)
    assert "aten._native_multi_head_attention" not in names(tape)
    for one, other in zip(tape.result, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_walks_get_through_a_vision_transformer_without_gradients() -> None:
    from torchvision.models import VisionTransformer

    torch.manual_seed(0)
    module = VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=3).eval().requires_grad_(False)
    torch.nn.init.normal_(module.heads.head.weight)
    tape = record(module, random(1, 3, 32, 32, dtype=torch.float32))
    trace = unravel(tape, (0, int(tape.output_tensor.argmax())))
    assert len(trace.fixations) > 10
