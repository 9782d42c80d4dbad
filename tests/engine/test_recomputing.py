"""Values that are computed again instead of being kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.engine import Tape, Value, lighten, recomputing
from cnnfix_core.engine.recording import record_whole


class Mixed(nn.Module):
    """In-place operations, several outputs of one operation, a long way without convolutions, and a skip connection."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Conv2d(8, 8, 3, padding=1)
        self.norm, self.last = nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        skip = F.relu_(self.norm(self.first(x)))
        y = torch.cat(self.second(skip).chunk(2, dim=1)[::-1], dim=1)
        for _ in range(6):
            y = torch.tanh(y)
        y += skip
        y = F.max_pool2d(y, 2).permute(0, 2, 3, 1)
        logits: Tensor = self.last(y.mean((1, 2)))
        return logits


class Trains(nn.Module):
    """Batch normalisation that writes to its statistics whatever the mode, and numbers drawn at random."""

    def __init__(self) -> None:
        super().__init__()
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("variance", torch.ones(3))

    def forward(self, x: Tensor) -> Tensor:
        y = F.batch_norm(x, self.mean, self.variance, training=True) * 2
        return F.dropout(y, 0.5, training=True).tanh().mean((2, 3))


class Narrow(nn.Module):
    """Wide tensors, with narrow ones between them."""

    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.ModuleList(nn.Conv2d(2 if n else 3, 16, 1) for n in range(5))
        self.narrow = nn.ModuleList(nn.Conv2d(16, 2, 1) for _ in range(5))

    def forward(self, x: Tensor) -> Tensor:
        for wide, narrow in zip(self.wide, self.narrow, strict=True):
            x = narrow(F.relu(wide(x)).tanh().sigmoid())
        return x.mean((2, 3))


def every_value(tape: Tape) -> list[Tensor]:
    return [value.data.clone() for op in tape.operations for value in (*op.inputs(), *op.outputs)]  # type: ignore[union-attr]


@pytest.mark.parametrize("network", [Mixed, Trains])
def test_a_lightened_tape_has_the_same_values(network: type[nn.Module]) -> None:
    torch.manual_seed(0)
    module, picture = network().eval(), torch.rand(1, 3, 16, 16)
    tape = record_whole(module, picture)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    before, size, walk = every_value(tape), tape.nbytes, cnnfix.unravel(tape, (0, 1))
    lighten(tape)
    assert tape.nbytes < size
    for _ in range(2):
        assert all(torch.equal(*pair) for pair in zip(every_value(tape), before, strict=True))
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())
    again = cnnfix.unravel(tape, (0, 1))
    for hop, same in zip(walk.hops, again.hops, strict=True):
        first, second = walk.selection(hop.input), again.selection(same.input)
        assert all(
            np.array_equal(getattr(first, name), getattr(second, name)) for name in ("index", "sign", "evidence")
        )


def test_what_is_computed_again_is_not_kept() -> None:
    tape = record_whole(Mixed().eval(), torch.rand(1, 3, 16, 16))
    lighten(tape)
    size = tape.nbytes
    for operation in tape.operations:
        for value in operation.outputs:
            if value.depends:
                value.array()
    assert tape.nbytes == size
    assert all(value._array is None for op in tape.operations for value in op.outputs if value.kept is None)


@pytest.mark.parametrize("network", [Mixed, Narrow])
def test_few_operations_compute_a_value_again(network: type[nn.Module]) -> None:
    tape = record_whole(network().eval(), torch.rand(1, 3, 16, 16))
    lighten(tape)
    computed: list[Value] = []

    def noted(value: Value) -> Tensor:
        computed.append(value)
        return recomputing._again(value)

    values = [value for operation in tape.operations for value in operation.outputs]
    for value in values:
        value.again = noted if value.again else None
    needed = []
    for value in values:
        computed.clear()
        assert value.data is not None
        needed.append(len(computed))
    assert 1 < max(needed) <= recomputing._MOST_STEPS
    assert needed.count(0) < len(needed) / 2


def test_of_many_values_the_smallest_stay() -> None:
    tape = record_whole(Narrow().eval(), torch.rand(1, 3, 16, 16))
    lighten(tape)
    kept = [op.outputs[0].shape[1] for op in tape.operations if op.outputs[0].kept is not None]
    assert set(kept[:-1]) == {2}


def test_a_light_tape_of_the_default_network_takes_a_tenth(model: cnnfix.Model) -> None:
    tape = record_whole(model.module, torch.rand(1, 3, 224, 224))
    whole = tape.nbytes
    lighten(tape)
    assert tape.nbytes < whole / 10
    assert tape.nbytes < cnnfix.record(model.module, torch.rand(1, 3, 224, 224)).nbytes / 4
