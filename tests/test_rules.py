"""Every rule against its slow, plain version, in float64, over random shapes and settings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnnfix_core import rules
from cnnfix_core.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.record import record
from cnnfix_core.rules import Question
from cnnfix_core.selection import Selection
from cnnfix_core.structure import Structure
from cnnfix_core.tape import Operation
from tests.plain import rules as plain

aten = torch.ops.aten
Draw = Callable[[Any], Any]

# The same examples in every run; few for what has few cases.
many_examples = settings(max_examples=150, deadline=None, derandomize=True, database=None)
some_examples = settings(max_examples=60, deadline=None, derandomize=True, database=None)
few_examples = settings(max_examples=15, deadline=None, derandomize=True, database=None)

COVERED: set[str] = set()

# What never reaches the recorder on the CPU, and why.
TAKEN_APART = {
    "aten.avg_pool1d": "avg_pool2d",
    "aten.chunk": "split",
    "aten.contiguous": "clone",
    "aten.dropout": "nothing, in evaluation mode",
    "aten.narrow": "slice",
    "aten.prelu": "_prelu_kernel",
    "aten.relu6": "hardtanh",
    "aten.reshape": "view, clone or _unsafe_view",
    "aten.selu": "elu",
}
OTHER_DEVICES = {"aten.cudnn_batch_norm", "aten.miopen_batch_norm"}


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
    selection, _ = Selection.merge(shape, index, sign, rng.uniform(0.1, 1, count))
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
        size = int(np.prod(arrival.value.shape))
        assert np.all((arrival.index >= -1) & (arrival.index < size))
        assert len(arrival.index) == len(arrival.sign) == len(arrival.evidence)
        keys = [
            (id(arrival.value), int(index), int(sign) if index >= 0 else 0)
            for index, sign in zip(arrival.index, arrival.sign, strict=True)
        ]
        for key, evidence in zip(keys, arrival.evidence, strict=True):
            found_total[key] += evidence
        entries = np.arange(len(keys))
        if callable(arrival.parent):
            parent, entry, evidence = arrival.parent(entries)
        else:
            parent, entry, evidence = entries if arrival.parent is None else arrival.parent, entries, arrival.evidence
        for row, at, given_over in zip(parent, entry, evidence, strict=True):
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


# --- convolution ------------------------------------------------------------------------------------------------------


@covers("aten.convolution")
@many_examples
@given(data=st.data(), rng=seeds, preset=convolution_presets, coarse=st.booleans(), transposed=st.booleans())
def test_convolution(data: Any, rng: Any, preset: Preset, coarse: bool, transposed: bool) -> None:
    draw: Draw = data.draw
    dims, groups = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    small = st.integers(1, 3 if dims < 3 else 2)
    of_each_axis = lambda strategy: draw(st.tuples(*[strategy] * dims))  # noqa: E731
    kernel, stride, dilation = of_each_axis(small), of_each_axis(small), of_each_axis(st.integers(1, 2))
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    padding = tuple(draw(st.integers(0, r // 2 + (not transposed))) for r in reach)
    least = [1 if transposed else max(1, r + 1 - 2 * p) for r, p in zip(reach, padding, strict=True)]
    size = tuple(n + draw(st.integers(0, 2)) for n in least)
    inputs, outputs = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 2))
    single = coarse and draw(st.booleans())
    x = numbers(rng, (draw(st.integers(1, 2)), inputs, *size), coarse)
    # PyTorch keeps a transposed kernel as (inputs, outputs / groups), a plain one as (outputs, inputs / groups).
    channels = (inputs, outputs // groups) if transposed else (outputs, inputs // groups)
    weight = numbers(rng, (*channels, *kernel), coarse)
    if single:
        x, weight = x.float(), weight.float()
    output_padding = [draw(st.integers(0, s - 1)) if transposed else 0 for s in stride]

    def function(x: torch.Tensor) -> torch.Tensor:
        return aten.convolution(x, weight, None, stride, padding, dilation, transposed, output_padding, groups)

    asked = ask(function, [x], "aten.convolution", preset, rng)
    window = plain.Window(stride, padding, dilation, groups, transposed)
    expected = plain.convolution(x.numpy(), weight.numpy(), asked.elements, asked.settings, window)
    compare(asked, expected, rel=1e-6 if single else 1e-9)


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_convolution_of_many_elements_on_several_threads(preset: Preset) -> None:
    rng = np.random.default_rng(1)
    x, weight = numbers(rng, (2, 3, 9, 9), False), numbers(rng, (5, 3, 3, 3), False)
    asked = ask(lambda x: F.conv2d(x, weight, padding=1), [x], "aten.convolution", preset, rng, count=700)
    window = plain.Window((1, 1), (1, 1), (1, 1))
    compare(asked, plain.convolution(x.numpy(), weight.numpy(), asked.elements, asked.settings, window))


def twice(x: torch.Tensor) -> torch.Tensor:
    """The smallest residual block; its first summand is the skip."""
    return x + F.relu(x)


@pytest.mark.parametrize("location", LOCATIONS[:3])
@pytest.mark.parametrize("residual_location", LOCATIONS[:3])
def test_convolution_in_a_residual_branch(location: str, residual_location: str) -> None:
    """The residual location counts inside a branch of an addition, where the location is "centre"; nowhere else."""
    rng = np.random.default_rng(2)
    x, weight = numbers(rng, (1, 3, 6, 6), False), numbers(rng, (3, 3, 3, 3), False)
    preset = replace(PUBLISHED, location=location, residual_location=residual_location)  # type: ignore[arg-type]
    for function, inside in (
        (lambda x: F.relu(F.conv2d(x, weight, padding=1)) + x, True),
        (lambda x: x + F.relu(F.conv2d(x, weight, padding=1)), True),
        (lambda x: F.conv2d(x + F.relu(x), weight, padding=1), False),
        (lambda x: twice(F.conv2d(x, weight, padding=1)), False),
        (lambda x: F.conv2d(x, weight, padding=1) + 1, False),
    ):
        asked = ask(function, [x], "aten.convolution", preset, rng)
        used = residual_location if inside and location == "centre" else location
        values = asked.operation.args[0].array()
        window = plain.Window((1, 1), (1, 1), (1, 1))
        plain_settings = asked.settings._replace(location=used)
        compare(asked, plain.convolution(values, weight.numpy(), asked.elements, plain_settings, window))


# --- fully connected --------------------------------------------------------------------------------------------------


@covers("aten.addmm", "aten.mm")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), bias=st.booleans())
def test_linear(data: Any, rng: Any, preset: Preset, coarse: bool, bias: bool) -> None:
    draw: Draw = data.draw
    kind = draw(st.sampled_from(["vector", "map", "many rows"]))
    batch, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    shape = {
        "vector": (batch, draw(st.integers(1, 9))),
        "map": (batch, draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        "many rows": (batch, draw(st.integers(2, 4)), draw(st.integers(1, 6))),
    }[kind]
    x = numbers(rng, shape, coarse)
    rows = x.flatten(1) if kind == "map" else x.flatten(0, -2)
    weight = numbers(rng, (outputs, rows.shape[1]), coarse)
    offset = numbers(rng, (outputs,), coarse) if bias else None

    def function(x: torch.Tensor) -> torch.Tensor:
        return F.linear(x.flatten(1) if kind == "map" else x, weight, offset)

    asked = ask(function, [x], "aten.addmm" if bias else "aten.mm", preset, rng)
    is_map = kind == "map" and shape[2] * shape[3] > 1
    expected = plain.matrix_product(
        rows.numpy(), weight.numpy().T, asked.elements, asked.settings, is_map=is_map, many=kind == "many rows"
    )
    compare(asked, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_linear_in_lower_precision(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(3)
    x, weight = numbers(rng, (2, 7), True).to(dtype), numbers(rng, (5, 7), True).to(dtype)
    asked = ask(lambda x: F.linear(x, weight), [x], "aten.mm", EVIDENCE, rng)
    expected = plain.matrix_product(x.float().numpy(), weight.float().numpy().T, asked.elements, asked.settings)
    compare(asked, expected, rel=1e-6)


def test_linear_of_many_elements_on_several_threads() -> None:
    rng = np.random.default_rng(4)
    x, weight = numbers(rng, (3, 11), False), numbers(rng, (150, 11), False)
    asked = ask(lambda x: F.linear(x, weight), [x], "aten.mm", EVIDENCE, rng, count=600)
    compare(asked, plain.matrix_product(x.numpy(), weight.numpy().T, asked.elements, asked.settings))


# --- pooling ----------------------------------------------------------------------------------------------------------


@covers("aten.max_pool2d_with_indices", "aten.max_pool3d_with_indices")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), dims=st.integers(2, 3))
def test_max_pool(data: Any, rng: Any, preset: Preset, coarse: bool, dims: int) -> None:
    x, kernel, stride, padding, dilation, ceil = pooling(data.draw, rng, coarse, dims, dilated=True)
    pool = F.max_pool2d if dims == 2 else F.max_pool3d
    name = f"aten.max_pool{dims}d_with_indices"
    asked = ask(lambda x: pool(x, kernel, stride, padding, dilation, ceil), [x], name, preset, rng)
    compare(asked, plain.max_pool(x.numpy(), asked.elements, kernel, stride, padding, dilation))


@covers("aten.avg_pool2d", "aten.avg_pool3d")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), dims=st.integers(2, 3), padded=st.booleans())
def test_avg_pool(data: Any, rng: Any, preset: Preset, coarse: bool, dims: int, padded: bool) -> None:
    x, kernel, stride, padding, _, ceil = pooling(data.draw, rng, coarse, dims, dilated=False)
    pool = F.avg_pool2d if dims == 2 else F.avg_pool3d
    asked = ask(lambda x: pool(x, kernel, stride, padding, ceil, padded), [x], f"aten.avg_pool{dims}d", preset, rng)
    compare(asked, plain.avg_pool(x.numpy(), asked.elements, asked.settings, kernel, stride, padding))


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_avg_pool_without_a_stride(preset: Preset) -> None:
    rng = np.random.default_rng(5)
    x = numbers(rng, (2, 3, 6, 7), False)
    asked = ask(lambda x: F.avg_pool2d(x, (2, 3)), [x], "aten.avg_pool2d", preset, rng)
    compare(asked, plain.avg_pool(x.numpy(), asked.elements, asked.settings, (2, 3), (2, 3), (0, 0)))


def pooling(draw: Draw, rng: np.random.Generator, coarse: bool, dims: int, dilated: bool) -> tuple[Any, ...]:
    of_each_axis = lambda strategy: draw(st.tuples(*[strategy] * dims))  # noqa: E731
    kernel, stride = of_each_axis(st.integers(1, 3)), of_each_axis(st.integers(1, 3))
    dilation = of_each_axis(st.integers(1, 2 if dilated else 1))
    # No window may lie in the padding alone, and pooling of three dimensions wants the kernel to fit without it.
    padding = tuple(draw(st.integers(0, k // 2 if d == 1 else 0)) for k, d in zip(kernel, dilation, strict=True))
    least = [d * (k - 1) + 1 - (2 * p if dims == 2 else 0) for k, p, d in zip(kernel, padding, dilation, strict=True)]
    size = [max(1, n) + draw(st.integers(0, 3)) for n in least]
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    return numbers(rng, (*batch, draw(sizes), *size), coarse), kernel, stride, padding, dilation, draw(st.booleans())


@covers("aten._adaptive_avg_pool2d", "aten._adaptive_avg_pool3d")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), dims=st.integers(2, 3))
def test_adaptive_avg_pool(data: Any, rng: Any, preset: Preset, coarse: bool, dims: int) -> None:
    draw: Draw = data.draw
    # An output of a single place arrives as a mean.
    out = (*draw(st.tuples(*[st.integers(1, 5)] * (dims - 1))), draw(st.integers(2, 5)))
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    x = numbers(rng, (*batch, draw(sizes), *draw(st.tuples(*[st.integers(1, 7 if dims == 2 else 5)] * dims))), coarse)
    pool = F.adaptive_avg_pool2d if dims == 2 else F.adaptive_avg_pool3d
    asked = ask(lambda x: pool(x, out), [x], f"aten._adaptive_avg_pool{dims}d", preset, rng)
    compare(asked, plain.adaptive_avg_pool(x.numpy(), asked.elements, asked.settings, out))


@covers("aten.mean", "aten.sum")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), keepdim=st.booleans())
def test_mean_and_sum(data: Any, rng: Any, preset: Preset, coarse: bool, keepdim: bool) -> None:
    draw: Draw = data.draw
    shape = draw(st.lists(sizes, min_size=2, max_size=4))
    x = numbers(rng, shape, coarse)
    dims = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True))
    signed_dims = [dim - draw(st.sampled_from([0, len(shape)])) for dim in dims]
    name = draw(st.sampled_from(["mean", "sum"]))
    asked = ask(lambda x: getattr(x, name)(signed_dims, keepdim=keepdim), [x], f"aten.{name}", preset, rng)
    compare(asked, plain.mean(x.numpy(), asked.elements, asked.settings, dims, keepdim))


@pytest.mark.parametrize("name", ["mean", "sum"])
@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_mean_and_sum_of_everything(name: str, preset: Preset) -> None:
    rng = np.random.default_rng(6)
    x = numbers(rng, (2, 3, 4), False)
    asked = ask(lambda x: getattr(x, name)(), [x], f"aten.{name}", preset, rng)
    compare(asked, plain.mean(x.numpy(), asked.elements, asked.settings, (0, 1, 2), False))


# --- merges -----------------------------------------------------------------------------------------------------------


def broadcastable(draw: Draw) -> tuple[list[int], list[int]]:
    """Two shapes that broadcast to each other."""
    full = draw(st.lists(sizes, min_size=1, max_size=4))
    shapes = [[draw(st.sampled_from([1, size])) for size in full][draw(st.integers(0, len(full) - 1)) :] for _ in "ab"]
    shapes[draw(st.integers(0, 1))] = full
    return shapes[0], shapes[1]


@covers("aten.add", "aten.sub")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans())
def test_add_and_sub(data: Any, rng: Any, preset: Preset, coarse: bool) -> None:
    draw: Draw = data.draw
    a, b = (numbers(rng, shape, coarse) for shape in broadcastable(draw))
    alpha = draw(st.sampled_from([1, 2, -1.5]))
    name = draw(st.sampled_from(["add", "sub"]))
    asked = ask(lambda a, b: getattr(torch, name)(a, b, alpha=alpha), [a, b], f"aten.{name}", preset, rng)
    second = alpha if name == "add" else -alpha
    compare(asked, plain.add(a.numpy(), b.numpy(), asked.elements, asked.settings, second))


@few_examples
@given(rng=seeds, preset=presets)
def test_add_to_itself(rng: Any, preset: Preset) -> None:
    x = numbers(rng, (2, 3), False)
    asked = ask(lambda x: x + x, [x], "aten.add", preset, rng)
    compare(asked, plain.add(x.numpy(), x.numpy(), asked.elements, asked.settings))


@pytest.mark.parametrize(
    ("function", "skip"),
    [
        (lambda x: x + F.relu(x), 0),
        (lambda x: F.relu(x) + x, 1),
        (lambda x: F.relu(F.relu(x)) + F.hardtanh(x, 0, 9), 1),
        (lambda x: F.hardtanh(x, 0, 9) + F.relu(F.relu(x)), 0),
        (lambda x: F.relu(x + F.relu(F.relu(x))) + x, 1),
        (lambda x: twice(F.relu(twice(x))), 0),
    ],
)
def test_on_a_tie_the_skip_is_followed(function: Callable[..., Any], skip: int) -> None:
    """The skip is the branch with fewer operations back to where the two part."""
    rng = np.random.default_rng(7)
    x = torch.from_numpy(rng.uniform(0.1, 1, (2, 3)))
    asked = ask(function, [x], "aten.add", PUBLISHED, rng)
    a, b = (value.array() for value in asked.operation.activations())
    compare(asked, plain.add(a, b, asked.elements, asked.settings, skip=skip))


@some_examples
@given(data=st.data(), rng=seeds, preset=presets, number=st.booleans())
def test_sum_with_a_constant(data: Any, rng: Any, preset: Preset, number: bool) -> None:
    draw: Draw = data.draw
    shape, constant_shape = broadcastable(draw)
    x = numbers(rng, shape, False)
    constant: Any = draw(st.sampled_from([-2.0, 3])) if number else numbers(rng, constant_shape, False)
    name = draw(st.sampled_from(["add", "sub"]))
    alpha = draw(st.sampled_from([1, -2]))
    first = not number and draw(st.booleans())

    def function(x: torch.Tensor) -> torch.Tensor:
        terms = (constant, x) if first else (x, constant)
        return getattr(torch, name)(*terms, alpha=alpha)

    asked = ask(function, [x], f"aten.{name}", preset, rng)
    coefficient = (alpha if name == "add" else -alpha) if first else 1
    compare(asked, plain.scaled(x.shape, asked.elements, asked.settings, coefficient))


@covers("aten.mul", "aten.div")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, number=st.booleans())
def test_product_with_a_constant(data: Any, rng: Any, preset: Preset, number: bool) -> None:
    draw: Draw = data.draw
    shape, constant_shape = broadcastable(draw)
    x = numbers(rng, shape, False)
    constant: Any = draw(st.sampled_from([-2.0, 3])) if number else numbers(rng, constant_shape, False)
    name = draw(st.sampled_from(["mul", "div"]))
    swap = name == "mul" and draw(st.booleans())

    def function(x: torch.Tensor) -> torch.Tensor:
        return getattr(torch, name)(*((constant, x) if swap and not number else (x, constant)))

    asked = ask(function, [x], f"aten.{name}", preset, rng)
    compare(asked, plain.scaled(x.shape, asked.elements, asked.settings, constant))


def test_a_constant_divided_by_an_activation_turns_the_question() -> None:
    """c / x falls as x grows, as 1 / x does."""
    rng = np.random.default_rng(8)
    x, constant = torch.from_numpy(rng.uniform(1, 2, (3, 4))), torch.from_numpy(rng.uniform(1, 2, (3, 4)))
    asked = ask(lambda x: torch.div(constant, x), [x], "aten.div", EVIDENCE, rng)
    compare(asked, plain.scaled(x.shape, asked.elements, asked.settings, -1))


# --- elementwise and normalisation ------------------------------------------------------------------------------------

RISING: dict[str, Callable[..., Any]] = {
    "aten.relu": F.relu,
    "aten.leaky_relu": F.leaky_relu,
    "aten._prelu_kernel": lambda x: F.prelu(x, torch.full((3,), 0.2, dtype=x.dtype)),
    "aten.rrelu_with_noise": F.rrelu,
    "aten.elu": F.elu,
    "aten.celu": F.celu,
    "aten.gelu": F.gelu,
    "aten.silu": F.silu,
    "aten.mish": F.mish,
    "aten.hardtanh": F.hardtanh,
    "aten.hardswish": F.hardswish,
    "aten.hardsigmoid": F.hardsigmoid,
    "aten.sigmoid": torch.sigmoid,
    "aten.log_sigmoid_forward": F.logsigmoid,
    "aten.tanh": torch.tanh,
    "aten.softplus": F.softplus,
    "aten.clamp": lambda x: x.clamp(-1, 1),
    "aten.clamp_min": lambda x: aten.clamp_min(x, 0),
    "aten.clamp_max": lambda x: aten.clamp_max(x, 1),
    "aten.native_dropout": lambda x: torch.native_dropout(x, 0.5, train=False)[0],
    "aten.exp": torch.exp,
    "aten.log": torch.log,
    "aten.sqrt": torch.sqrt,
}
FALLING: dict[str, Callable[..., Any]] = {
    "aten.neg": torch.neg,
    "aten.rsub": lambda x: 1 - x,
    "aten.reciprocal": torch.reciprocal,
    "aten.rsqrt": torch.rsqrt,
}
COVERED.update(RISING, FALLING)


@pytest.mark.parametrize("name", [*RISING, *FALLING])
@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_elementwise(name: str, preset: Preset) -> None:
    rng = np.random.default_rng(9)
    x = torch.from_numpy(rng.uniform(0.1, 2, (2, 3, 4)))
    asked = ask((RISING | FALLING)[name], [x], name, preset, rng)
    compare(asked, plain.scaled(x.shape, asked.elements, asked.settings, -1 if name in FALLING else 1))


def test_an_activation_subtracted_from_a_broadcast_constant() -> None:
    rng = np.random.default_rng(10)
    x, constant = numbers(rng, (3, 1), False), numbers(rng, (2, 3, 4), False)
    asked = ask(lambda x: torch.rsub(x, constant), [x], "aten.rsub", EVIDENCE, rng)
    compare(asked, plain.scaled(x.shape, asked.elements, asked.settings, -1))


@covers("aten.native_batch_norm", "aten._native_batch_norm_legit_no_training")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, affine=st.booleans(), functional=st.booleans())
def test_batch_norm(data: Any, rng: Any, preset: Preset, affine: bool, functional: bool) -> None:
    draw: Draw = data.draw
    channels = draw(sizes)
    x = numbers(rng, (draw(sizes), channels, *draw(st.lists(sizes, max_size=3))), False)
    scale, offset, average = (numbers(rng, (channels,), False) for _ in range(3))
    given_scale, given_offset = (scale, offset) if affine else (None, None)
    variance = average.abs() + 0.1

    def function(x: torch.Tensor) -> torch.Tensor:
        if functional:
            return F.batch_norm(x, average, variance, given_scale, given_offset)
        return aten._native_batch_norm_legit_no_training(x, given_scale, given_offset, average, variance, 0.1, 1e-5)[0]

    name = "aten.native_batch_norm" if functional else "aten._native_batch_norm_legit_no_training"
    asked = ask(function, [x], name, preset, rng)
    compare(asked, plain.batch_norm(asked.elements, asked.settings, scale.numpy() if affine else None))


# --- movement ---------------------------------------------------------------------------------------------------------


class Movement(NamedTuple):
    function: Callable[..., Any]
    shapes: Sequence[Sequence[int]]
    origin: plain.Origin
    slot: int = 0


def picture(draw: Draw, least: int = 1) -> list[int]:
    return [draw(st.integers(least, least + 3)) for _ in range(4)]


def cat(draw: Draw) -> Movement:
    dim = draw(st.integers(0, 3))
    base = picture(draw)
    shapes = [[*base[:dim], draw(sizes), *base[dim + 1 :]] for _ in range(draw(st.integers(1, 3)))]
    return Movement(lambda *xs: torch.cat(xs, dim - draw(st.sampled_from([0, 4]))), shapes, plain.cat(shapes, dim))


def stack(draw: Draw) -> Movement:
    dim, shape = draw(st.integers(0, 4)), picture(draw)
    return Movement(lambda *xs: torch.stack(xs, dim), [shape] * 3, plain.stack(dim))


def constant_pad(draw: Draw) -> Movement:
    shape = picture(draw, least=3)
    pads = [draw(st.integers(-1, 2)) for _ in range(draw(st.sampled_from([2, 4])))]
    before = [0, 0, pads[2] if len(pads) > 2 else 0, pads[0]]
    fill = draw(st.sampled_from([0.0, 7.0, -1.0]))
    return Movement(lambda x: aten.constant_pad_nd(x, pads, fill), [shape], plain.pad(shape, before))


def folded_pad(mode: str, dims: int) -> Callable[[Draw], Movement]:
    def case(draw: Draw) -> Movement:
        shape = picture(draw, least=3)[: dims + 2]
        pads = [draw(st.integers(0, 2)) for _ in range(2 * dims)]
        before = [0, 0, *pads[-2::-2]]
        return Movement(lambda x: F.pad(x, pads, mode), [shape], plain.pad_folded(shape, before, mode))

    return case


def permute(draw: Draw) -> Movement:
    order = draw(st.permutations(range(4)))
    return Movement(lambda x: x.permute(order), [picture(draw)], plain.permuted(order))


def transpose(draw: Draw) -> Movement:
    order = list(range(4))
    a, b = draw(st.integers(0, 3)), draw(st.integers(-4, -1))
    order[a], order[b] = order[b], order[a]
    return Movement(lambda x: x.transpose(a, b), [picture(draw)], plain.permuted(order))


def slice_(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    start, step = draw(st.integers(0, shape[dim] - 1)), draw(st.integers(1, 2))
    return Movement(
        lambda x: aten.slice(x, dim, start - draw(st.sampled_from([0, shape[dim]])), 99, step),
        [shape],
        plain.cut(dim, start, step),
    )


def select(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    at = draw(st.integers(0, shape[dim] - 1))
    return Movement(lambda x: x.select(dim, at), [shape], plain.taken(dim, at))


def unbind(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    at = draw(st.integers(0, shape[dim] - 1))
    return Movement(lambda x: x.unbind(dim)[at], [shape], plain.taken(dim, at), at)


def split(draw: Draw) -> Movement:
    shape, dim, part = picture(draw), draw(st.integers(0, 3)), draw(st.integers(1, 3))
    slot = draw(st.integers(0, (shape[dim] - 1) // part))
    return Movement(lambda x: x.split(part, dim)[slot], [shape], plain.cut(dim, part * slot), slot)


def split_with_sizes(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    parts = draw(st.lists(sizes, min_size=1, max_size=3))
    shape[dim] = sum(parts)
    slot = draw(st.integers(0, len(parts) - 1))
    return Movement(lambda x: x.split(parts, dim)[slot], [shape], plain.cut(dim, sum(parts[:slot])), slot)


def expand(draw: Draw) -> Movement:
    full = picture(draw)
    shape = [draw(st.sampled_from([1, size])) for size in full][draw(st.integers(0, 3)) :]
    return Movement(lambda x: x.expand(full), [shape], plain.expanded(shape))


def repeat(draw: Draw) -> Movement:
    shape = picture(draw)[draw(st.integers(0, 3)) :]
    times = [draw(st.integers(1, 3)) for _ in range(4)]
    return Movement(lambda x: x.repeat(times), [shape], plain.repeated(shape))


def flip(draw: Draw) -> Movement:
    shape, dims = picture(draw), draw(st.sets(st.integers(0, 3), min_size=1))
    return Movement(lambda x: x.flip(tuple(dims)), [shape], plain.flipped(shape, tuple(dims)))


def roll(draw: Draw) -> Movement:
    shape, dim, shift = picture(draw), draw(st.integers(0, 3)), draw(st.integers(-5, 5))
    return Movement(lambda x: x.roll(shift, dim), [shape], plain.rolled(shape, shift, dim))


def copy(draw: Draw) -> Movement:
    full = picture(draw)
    shape = [draw(st.sampled_from([1, size])) for size in full]

    def origin(place: plain.Place) -> tuple[int, plain.Place]:
        return 1, plain.broadcast_place(place, shape)

    return Movement(lambda x, y: x.clone().copy_(y), [full, shape], origin)


def overwrite(draw: Draw) -> Movement:
    """Part of a tensor is written through a slice."""
    shape, dim = picture(draw, least=2), draw(st.integers(0, 3))
    start, step = draw(st.integers(1, shape[dim] - 1)), draw(st.integers(1, 2))
    part = [*shape[:dim], len(range(start, shape[dim], step)), *shape[dim + 1 :]]
    cut = plain.cut(dim, start, step)
    written = {cut(place)[1]: place for place in plain.places(part)}  # type: ignore[index]

    def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        z = x.clone()
        z[(slice(None),) * dim + (slice(start, None, step),)] = y
        return z

    return Movement(function, [shape, part], plain.overwritten(written))


def pixel_shuffle(draw: Draw) -> Movement:
    shape, r = picture(draw), draw(st.integers(1, 3))
    shape[1] *= r * r
    return Movement(lambda x: F.pixel_shuffle(x, r), [shape], plain.pixel_shuffled(r))


def pixel_unshuffle(draw: Draw) -> Movement:
    shape, r = picture(draw), draw(st.integers(1, 3))
    shape[2:] = [shape[2] * r, shape[3] * r]
    return Movement(lambda x: F.pixel_unshuffle(x, r), [shape], plain.pixel_unshuffled(r))


def channel_shuffle(draw: Draw) -> Movement:
    shape, groups = picture(draw), draw(st.integers(2, 3))
    shape[1] *= groups
    return Movement(lambda x: F.channel_shuffle(x, groups), [shape], plain.channels_shuffled(shape[1], groups))


def upsample(dims: int) -> Callable[[Draw], Movement]:
    def case(draw: Draw) -> Movement:
        shape = picture(draw)[: dims + 2]
        out = [draw(st.integers(1, 8)) for _ in range(dims)]
        return Movement(lambda x: F.interpolate(x, size=out, mode="nearest"), [shape], plain.upsampled(shape, out))

    return case


def reordered(function: Callable[..., Any], before: Sequence[int], after: Sequence[int]) -> Callable[[Draw], Movement]:
    return lambda draw: Movement(function, [before], plain.reshaped(before, after))


MOVEMENTS: dict[str, Callable[[Draw], Movement]] = {
    "aten.cat": cat,
    "aten.stack": stack,
    "aten.constant_pad_nd": constant_pad,
    "aten.permute": permute,
    "aten.transpose": transpose,
    "aten.t": lambda draw: Movement(lambda x: x.t(), [[2, 3]], plain.permuted([1, 0])),
    "aten.slice": slice_,
    "aten.select": select,
    "aten.split": split,
    "aten.split_with_sizes": split_with_sizes,
    "aten.unbind": unbind,
    "aten.expand": expand,
    "aten.repeat": repeat,
    "aten.flip": flip,
    "aten.roll": roll,
    "aten.copy": copy,
    "aten.reflection_pad1d": folded_pad("reflect", 1),
    "aten.reflection_pad2d": folded_pad("reflect", 2),
    "aten.replication_pad1d": folded_pad("replicate", 1),
    "aten.replication_pad2d": folded_pad("replicate", 2),
    "aten.pixel_shuffle": pixel_shuffle,
    "aten.pixel_unshuffle": pixel_unshuffle,
    "aten.channel_shuffle": channel_shuffle,
    "aten.upsample_nearest1d": upsample(1),
    "aten.upsample_nearest2d": upsample(2),
    "cnnfix.overwrite": overwrite,
    "aten.view": reordered(lambda x: x.view(4, 9), (2, 3, 6), (4, 9)),
    "aten._unsafe_view": reordered(lambda x: aten._unsafe_view(x, [4, 9]), (2, 3, 6), (4, 9)),
    "aten._reshape_alias": reordered(lambda x: aten._reshape_alias(x, [4, 9], [9, 1]), (2, 3, 6), (4, 9)),
    "aten.squeeze": reordered(lambda x: x.squeeze(1), (3, 1, 4), (3, 4)),
    "aten.unsqueeze": reordered(lambda x: x.unsqueeze(1), (3, 4), (3, 1, 4)),
    "aten.clone": reordered(lambda x: x.clone(memory_format=torch.channels_last), (2, 3, 4, 5), (2, 3, 4, 5)),
    "aten.detach": reordered(torch.detach, (3, 4), (3, 4)),
    "aten.alias": reordered(aten.alias, (3, 4), (3, 4)),
    "aten._to_copy": reordered(lambda x: x.to(torch.float32), (3, 4), (3, 4)),
    "aten.lift_fresh": reordered(aten.lift_fresh, (3, 4), (3, 4)),
}
COVERED.update(MOVEMENTS)


@pytest.mark.parametrize("name", MOVEMENTS)
@few_examples
@given(data=st.data(), rng=seeds, preset=st.sampled_from([EVIDENCE, PUBLISHED]))
def test_movement(name: str, data: Any, rng: Any, preset: Preset) -> None:
    movement = MOVEMENTS[name](data.draw)
    xs = [numbers(rng, shape, False) for shape in movement.shapes]
    asked = ask(movement.function, xs, name, preset, rng, movement.slot)
    compare(asked, plain.moved(asked.elements, movement.origin))


# --- completeness -----------------------------------------------------------------------------------------------------


@covers("aten.fill", "aten.zero")
@pytest.mark.parametrize("write", [lambda part: part.fill_(5.0), lambda part: part.zero_()])
def test_what_a_constant_overwrites_came_from_nowhere(write: Callable[..., Any]) -> None:
    def half(x: torch.Tensor) -> torch.Tensor:
        copy = x.clone()
        write(copy[:, 0])
        return copy

    tape = record(Apply(half), torch.ones(1, 2, dtype=torch.float64))
    operation = next(op for op in tape.operations if op.name in ("aten.fill", "aten.zero"))
    selection = Selection.single(operation.outputs[0].shape, 0)
    question = Question(operation, 0, selection, EVIDENCE, Structure(tape))
    (arrival,) = rules.find(operation.name).hop(question)
    assert arrival.index.tolist() == [-1]
    assert arrival.evidence.tolist() == [1.0]


def test_every_rule_is_covered() -> None:
    assert set(rules.known()) == COVERED | set(TAKEN_APART) | OTHER_DEVICES


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("aten.avg_pool1d", lambda x: F.avg_pool1d(x, 2)),
        ("aten.chunk", lambda x: x.chunk(2, 1)[0]),
        ("aten.contiguous", lambda x: x.transpose(0, 1).contiguous()),
        ("aten.dropout", lambda x: aten.dropout(x, 0.5, False) * 1),
        ("aten.narrow", lambda x: x.narrow(1, 0, 1)),
        ("aten.prelu", lambda x: F.prelu(x, torch.ones(1, dtype=x.dtype))),
        ("aten.relu6", F.relu6),
        ("aten.reshape", lambda x: aten.reshape(x, [-1])),
        ("aten.selu", F.selu),
    ],
)
def test_these_are_taken_apart_before_they_are_recorded(name: str, function: Callable[..., Any]) -> None:
    tape = record(Apply(function), torch.ones(2, 4, 6, dtype=torch.float64))
    assert name in TAKEN_APART
    assert name not in {operation.name for operation in tape.operations}
