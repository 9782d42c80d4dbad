"""What the tests of the rules share: questions to the rule of a recorded operation, and what to draw at random."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import settings
from hypothesis import strategies as st
from torch import nn

from cnnfix_core.engine import rules
from cnnfix_core.engine.lineage import lineage_of
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.rules import Question
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.tape import Operation
from cnnfix_core.engine.topology import Structure
from tests.plain import rules as plain

Draw = Callable[[Any], Any]

# Few for what has few cases.
many_examples = settings(max_examples=150)
some_examples = settings(max_examples=60)
few_examples = settings(max_examples=15)

# Operations whose rules some test exercises.
COVERED: set[str] = set()


def covers(*names: str) -> Callable[[Any], Any]:
    """Note that the decorated test exercises the rules of these operations."""
    COVERED.update(names)
    return lambda test: test


class Apply(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


class Asked(NamedTuple):
    """A question to the rule of one recorded operation, and the same for the plain version."""

    question: Question
    elements: list[plain.Element]
    settings: plain.Settings

    @property
    def operation(self) -> Operation:
        return self.question.operation


def ask(
    function: Callable[..., Any],
    inputs: Sequence[torch.Tensor],
    name: str,
    preset: Preset,
    rng: np.random.Generator,
    slot: int = 0,
    count: int = 12,
) -> Asked:
    """Record `function`, and select random elements of an output of the last operation of that name."""
    assert name in COVERED
    tape = record(Apply(function), *inputs)
    found = [operation for operation in tape.operations if operation.name == name]
    assert found, f"{name} is not among {[operation.name for operation in tape.operations]}"
    operation = found[-1]
    shape = operation.outputs[slot].shape
    index = rng.integers(0, int(np.prod(shape)), count)
    sign = rng.choice([-1, 1] if preset.signed else [1], count)
    selection = Selection.merge(shape, index, sign, rng.uniform(0.1, 1, count))
    elements = [
        plain.Element(tuple(int(n) for n in np.unravel_index(index, shape)), int(sign), float(evidence))
        for index, sign, evidence in zip(selection.index, selection.sign, selection.evidence, strict=True)
    ]
    plain_settings = plain.Settings(preset.signed, preset.location, preset.spread, preset.fan_out)
    return Asked(Question(operation, slot, selection, preset, Structure(tape)), elements, plain_settings)


def compare(asked: Asked, expected: Sequence[plain.Step], rel: float = 1e-9) -> None:
    """The rule's arrivals equal the plain steps: summed for each element of each input, and row by row."""
    values = asked.operation.activations()
    total: dict[Any, float] = defaultdict(float)
    by_row: dict[Any, float] = defaultdict(float)
    for row, number, place, sign, evidence in expected:
        value = values[number]
        flat = -1 if place is None else int(np.ravel_multi_index(place, value.shape)) if place else 0
        key = (id(value), flat, sign if flat >= 0 else 0)
        total[key] += evidence
        by_row[row, *key] += evidence
    found_total: dict[Any, float] = defaultdict(float)
    found_by_row: dict[Any, float] = defaultdict(float)
    for arrival in rules.find(asked.operation.name).hop(asked.question):  # type: ignore[union-attr]
        if not arrival.value.depends:  # the walk passes over what came from a constant
            continue
        size = int(np.prod(arrival.value.shape))
        assert np.all((arrival.index >= -1) & (arrival.index < size))
        assert len(arrival.index) == len(arrival.sign) == len(arrival.evidence)
        keys = [
            (id(arrival.value), int(index), int(sign) if index >= 0 else 0)
            for index, sign in zip(arrival.index, arrival.sign, strict=True)
        ]
        for key, evidence in zip(keys, arrival.evidence, strict=True):
            found_total[key] += evidence
        rows = len(asked.question.selection)
        edges = lineage_of(arrival, rows, np.arange(len(keys)), len(keys), 1.0).edges()
        for row, at, given_over in zip(*edges, strict=True):
            found_by_row[int(row), *keys[at]] += given_over
    assert dict(found_total) == pytest.approx(dict(total), rel=rel)
    assert dict(found_by_row) == pytest.approx(dict(by_row), rel=rel)


# --- what to draw -----------------------------------------------------------------------------------------------------

LOCATIONS = ["centre", "product", "activation", "joint"]
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)
sizes = st.integers(1, 4)

evidence_presets = st.builds(
    lambda fan_out, signed: replace(EVIDENCE, fan_out=fan_out, signed=signed), st.integers(1, 5), st.booleans()
)
published_presets = st.builds(
    lambda location, signed: replace(PUBLISHED, location=location, signed=signed),
    st.sampled_from(LOCATIONS[:3]),
    st.booleans(),
)
convolution_presets = st.one_of(st.just(EVIDENCE), st.just(PUBLISHED), evidence_presets, published_presets)
# Other rules do not look at `location`, whatever it is; and following one winner is defined without signs.
presets = st.one_of(
    st.just(EVIDENCE),
    st.just(PUBLISHED),
    st.builds(
        lambda location, fan_out, signed, spread: replace(
            EVIDENCE, location=location, fan_out=fan_out, signed=signed and spread, spread=spread
        ),
        st.sampled_from(LOCATIONS),
        st.integers(1, 5),
        st.booleans(),
        st.booleans(),
    ),
)


def numbers(rng: np.random.Generator, shape: Sequence[int], coarse: bool) -> torch.Tensor:
    """Random values; coarse ones are halves, with many ties and zeros, and exact in float32."""
    values = rng.integers(-2, 3, tuple(shape)) / 2 if coarse else rng.standard_normal(tuple(shape))
    return torch.from_numpy(np.asarray(values, np.float64))


def broadcastable(draw: Draw) -> tuple[list[int], list[int]]:
    """Two shapes that broadcast to each other."""
    full = draw(st.lists(sizes, min_size=1, max_size=4))
    shapes = [[draw(st.sampled_from([1, size])) for size in full][draw(st.integers(0, len(full) - 1)) :] for _ in "ab"]
    shapes[draw(st.integers(0, 1))] = full
    return shapes[0], shapes[1]
