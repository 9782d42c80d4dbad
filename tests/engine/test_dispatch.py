"""Code that computes every operation in PyTorch's place."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cnnfix_core.engine.dispatch import computed_by
from cnnfix_core.engine.recording import record
from cnnfix_core.errors import RecordError


class Broken(nn.Module):
    """A network that is compiled in several parts."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.last = nn.Linear(8, 5)

    def forward(self, pictures: Tensor) -> Tensor:
        features = torch.relu(self.conv(pictures))
        if features.mean() > 0:
            features = features + 1
        torch._dynamo.graph_break()
        logits: Tensor = self.last(features.mean((2, 3)))
        return logits


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.parametrize("before", [False, True], ids=["compiled while recorded", "compiled before"])
def test_a_compiled_network_does_not_compile_the_recorder(backend: str, before: bool) -> None:
    network, picture = Broken().eval(), torch.rand(1, 3, 16, 16)
    plain = record(network, picture)
    torch._dynamo.reset()
    compiled = torch.compile(network, backend=backend)
    with torch.no_grad():
        if before:
            compiled(picture)
    frames = torch._dynamo.utils.counters["frames"]["total"]
    tape = record(compiled, picture)
    assert torch._dynamo.utils.counters["frames"]["total"] == frames
    assert [one.name for one in tape.operations] == [one.name for one in plain.operations]
    assert torch.equal(tape.result, plain.result)


def test_options_are_passed_on() -> None:
    seen = []

    def compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        seen.append((str(func), kwargs))
        return func(*args, **kwargs)

    with computed_by(compute):
        torch.zeros(2, dtype=torch.float64).relu()
    assert seen[0][1]["dtype"] is torch.float64
    assert seen[1] == ("aten.relu.default", {})


class Chosen(nn.Module):
    def forward(self, pictures: Tensor) -> Tensor:
        chosen: Tensor = torch.cond(pictures.sum() > 0, torch.relu, torch.neg, (pictures,))
        return chosen


def test_an_operator_that_runs_functions_is_refused() -> None:
    # An older PyTorch does not ask the recorder, and refuses in its own words.
    with pytest.raises(RecordError, match=r"cond runs functions, which cannot be recorded|HOP cond"):
        record(Chosen(), torch.rand(1, 3, 4, 4))
