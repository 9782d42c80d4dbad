"""Every rule against its slow, plain version, in float64, over random shapes and settings."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from cnnfix_core.engine import rules
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record
from tests.engine.asking import (
    COVERED,
    LOCATIONS,
    Apply,
    Draw,
    ask,
    broadcastable,
    compare,
    convolution_presets,
    covers,
    few_examples,
    many_examples,
    numbers,
    presets,
    seeds,
    sizes,
    some_examples,
)
from tests.plain import rules as plain

aten = torch.ops.aten

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
OTHER_DEVICES = {
    "aten.cudnn_batch_norm",
    "aten.miopen_batch_norm",
    "aten._scaled_dot_product_flash_attention",
}


# --- convolution ------------------------------------------------------------------------------------------------------


@covers("aten.convolution", "aten._convolution")
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

    geometry = stride, padding, dilation, transposed, output_padding, groups
    # The second is what traced modules call.
    name, rest = draw(st.sampled_from([("convolution", ()), ("_convolution", (False, False, True, True))]))
    asked = ask(lambda x: getattr(aten, name)(x, weight, None, *geometry, *rest), [x], f"aten.{name}", preset, rng)
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


@few_examples
@given(rng=seeds, preset=presets, coarse=st.booleans(), batched=st.booleans())
def test_max_pool_of_one_dimension(rng: Any, preset: Preset, coarse: bool, batched: bool) -> None:
    """It is recorded with a dimension more."""
    x = numbers(rng, (2, 3, 7) if batched else (3, 7), coarse)
    asked = ask(lambda x: F.max_pool1d(x, 3, 2, 1), [x], "aten.max_pool2d_with_indices", preset, rng)
    windows = (1, 3), (1, 2), (0, 1), (1, 1)
    compare(asked, plain.max_pool(x.unsqueeze(-2).numpy(), asked.elements, *windows))


@covers("aten.adaptive_max_pool2d", "aten.adaptive_max_pool3d")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), dims=st.integers(1, 3))
def test_adaptive_max_pool(data: Any, rng: Any, preset: Preset, coarse: bool, dims: int) -> None:
    draw: Draw = data.draw
    out = [draw(st.integers(1, 5)) for _ in range(dims)]
    shape = [*draw(st.sampled_from([(), (2,)])), draw(sizes), *(draw(st.integers(1, 6)) for _ in range(dims))]
    x = numbers(rng, shape, coarse)
    pool = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)[dims - 1]
    asked = ask(lambda x: pool(x, out), [x], f"aten.adaptive_max_pool{max(dims, 2)}d", preset, rng)
    if dims == 1:
        x, out = x.unsqueeze(-2), [1, *out]
    compare(asked, plain.adaptive_max_pool(x.numpy(), asked.elements, out))


@covers("aten.fractional_max_pool2d", "aten.fractional_max_pool3d")
@few_examples
@given(rng=seeds, preset=presets, dims=st.integers(2, 3))
def test_fractional_max_pool(rng: Any, preset: Preset, dims: int) -> None:
    """The windows are random; which element was taken is known from its value, which occurs once."""
    x = numbers(rng, (2, 3, 7, 9, 6)[: dims + 2], False)
    kept: list[torch.Tensor] = []
    pool = F.fractional_max_pool2d if dims == 2 else F.fractional_max_pool3d

    def function(x: torch.Tensor) -> torch.Tensor:
        kept.append(pool(x, 2, output_size=(3, 4, 2)[:dims]))
        return kept[-1]

    asked = ask(function, [x], f"aten.fractional_max_pool{dims}d", preset, rng)
    where = {float(x[place]): place for place in plain.places(x.shape)}
    expected = [
        plain.Step(row, 0, where[float(kept[-1][element.place])], element.sign, element.evidence)
        for row, element in enumerate(asked.elements)
    ]
    compare(asked, expected)


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
@pytest.mark.parametrize("shape", [(2, 3, 4), ()])
@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_mean_and_sum_of_everything(name: str, shape: tuple[int, ...], preset: Preset) -> None:
    rng = np.random.default_rng(6)
    x = numbers(rng, shape, False)
    asked = ask(lambda x: getattr(x, name)(), [x], f"aten.{name}", preset, rng)
    compare(asked, plain.mean(x.numpy(), asked.elements, asked.settings, range(len(shape)), False))


# --- merges -----------------------------------------------------------------------------------------------------------


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


@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans())
def test_product_of_two_activations(data: Any, rng: Any, preset: Preset, coarse: bool) -> None:
    """Neither is a gate; but one that is broadcast over the other, larger one weighs it."""
    a, b = (numbers(rng, shape, coarse) for shape in broadcastable(data.draw))
    asked = ask(torch.mul, [a, b], "aten.mul", preset, rng)
    largest = max(a.numel(), b.numel())
    followed = [n for n, factor in enumerate((a, b)) if factor.numel() == largest]
    compare(asked, plain.product(a.numpy(), b.numpy(), asked.elements, asked.settings, followed))


@some_examples
@given(data=st.data(), rng=seeds, preset=presets)
def test_quotient_of_two_activations(data: Any, rng: Any, preset: Preset) -> None:
    a, b = (numbers(rng, shape, False) for shape in broadcastable(data.draw))
    asked = ask(torch.div, [a, b], "aten.div", preset, rng)
    compare(asked, plain.product(a.numpy(), b.numpy(), asked.elements, asked.settings, [0]))


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
    "aten.expm1": torch.expm1,
    "aten.log1p": torch.log1p,
    "aten.logit": lambda x: (x / 3).logit(),
    "aten.erf": torch.erf,
    "aten.atan": torch.atan,
    "aten.sign": torch.sign,
    "aten.sgn": torch.sgn,
    "aten.heaviside": lambda x: torch.heaviside(x, torch.tensor(0.5, dtype=x.dtype)),
    "aten.round": torch.round,
    "aten.floor": torch.floor,
    "aten.ceil": torch.ceil,
    "aten.trunc": torch.trunc,
    "aten.fake_quantize_per_tensor_affine_cachemask": lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 3, 0, 15),
    "aten._fake_quantize_per_tensor_affine_cachemask_tensor_qparams": lambda x: torch.fake_quantize_per_tensor_affine(
        x, torch.tensor(0.1), torch.tensor(3), 0, 15
    ),
    "aten.fake_quantize_per_channel_affine_cachemask": lambda x: torch.fake_quantize_per_channel_affine(
        x.float(), torch.full((3,), 0.1), torch.zeros(3, dtype=torch.int32), 1, 0, 15
    ),
    "aten.log2": torch.log2,
    "aten.log10": torch.log10,
    "aten.exp2": torch.exp2,
    "aten.sinh": torch.sinh,
    "aten.asinh": torch.asinh,
    "aten.asin": lambda x: (x / 3).asin(),
    "aten.atanh": lambda x: (x / 3).atanh(),
    "aten.acosh": lambda x: (x + 1).acosh(),
    "aten.erfinv": lambda x: (x / 3).erfinv(),
    "aten.threshold": lambda x: F.threshold(x, 0.5, 0.1),
    "aten.hardshrink": F.hardshrink,
    "aten.softshrink": F.softshrink,
    "aten.nan_to_num": torch.nan_to_num,
    "aten._softmax": lambda x: x.softmax(1),
    "aten._safe_softmax": lambda x: aten._safe_softmax(x, 1),
    "aten._log_softmax": lambda x: x.log_softmax(1),
}
FALLING: dict[str, Callable[..., Any]] = {
    "aten.neg": torch.neg,
    "aten.rsub": lambda x: 1 - x,
    "aten.reciprocal": torch.reciprocal,
    "aten.rsqrt": torch.rsqrt,
    "aten.erfc": torch.erfc,
    "aten.acos": lambda x: (x / 3).acos(),
}
COVERED.update(RISING, FALLING)


@pytest.mark.parametrize("name", [*RISING, *FALLING])
@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_elementwise(name: str, preset: Preset) -> None:
    rng = np.random.default_rng(9)
    x = torch.from_numpy(rng.uniform(0.1, 2, (2, 3, 4)))
    asked = ask((RISING | FALLING)[name], [x], name, preset, rng)
    compare(asked, plain.scaled(x.shape, asked.elements, asked.settings, -1 if name in FALLING else 1))


POWERS: list[Any] = [2, 3, -1, 0.5, "tensor", "base"]


@covers("aten.pow")
@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("inplace", [False, True])
@few_examples
@given(rng=seeds, preset=presets)
def test_power(power: Any, inplace: bool, rng: Any, preset: Preset) -> None:
    """An exponent for each element, such as a pooling's learnt one, or a base with the exponent from the input."""
    x = numbers(rng, (2, 3), False)
    x = x.abs() + 0.1 if power == 0.5 else x
    exponents = torch.tensor([2.0, 3.0, -2.0], dtype=x.dtype) if power == "tensor" else power
    if power == "base":
        asked = ask(lambda x: 0.5**x, [x], "aten.pow", preset, rng)
        expected = plain.bent(x.numpy(), asked.elements, asked.settings, lambda value, place: 0.5**value)
    else:
        function = lambda x: (x * 1).pow_(exponents) if inplace else x.pow(exponents)  # noqa: E731
        asked = ask(function, [x], "aten.pow", preset, rng)
        exponent = lambda place: float(exponents[place[1]]) if power == "tensor" else power  # noqa: E731
        value_of = lambda value, place: value ** exponent(place)  # noqa: E731
        expected = plain.bent(x.numpy(), asked.elements, asked.settings, value_of)
    compare(asked, expected)


BENT: dict[str, Callable[[float], float]] = {
    "abs": abs,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "cosh": math.cosh,
    "sinc": lambda value: math.sin(math.pi * value) / (math.pi * value),
    "lgamma": math.lgamma,
    "frac": lambda value: value - math.trunc(value),
}
COVERED.update(f"aten.{name}" for name in BENT)


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("name", BENT)
@few_examples
@given(rng=seeds, preset=presets)
def test_functions_that_rise_here_and_fall_there(name: str, inplace: bool, rng: Any, preset: Preset) -> None:
    x = numbers(rng, (3, 4), False) * 4
    function = lambda x: getattr(x * 1, f"{name}_")() if inplace else getattr(x, name)()  # noqa: E731
    asked = ask(function, [x], f"aten.{name}", preset, rng)
    compare(asked, plain.bent(x.numpy(), asked.elements, asked.settings, lambda value, place: BENT[name](value)))


@covers("aten.fmod", "aten.remainder")
@pytest.mark.parametrize("name", ["fmod", "remainder"])
@few_examples
@given(rng=seeds, preset=presets)
def test_what_is_left_of_a_division(name: str, rng: Any, preset: Preset) -> None:
    x = numbers(rng, (3, 4), False) * 4
    slow = {"fmod": math.fmod, "remainder": lambda value, by: value % by}[name]
    asked = ask(lambda x: getattr(torch, name)(x, 0.7), [x], f"aten.{name}", preset, rng)
    compare(asked, plain.bent(x.numpy(), asked.elements, asked.settings, lambda value, place: slow(value, 0.7)))


@covers("aten.atan2")
@few_examples
@given(rng=seeds, preset=presets)
def test_of_two_activations_the_first_is_followed(rng: Any, preset: Preset) -> None:
    a, b = numbers(rng, (3, 4), False).abs() + 0.1, numbers(rng, (4,), False)
    for name, of_two, slow in (("pow", torch.pow, lambda x, y: x**y), ("atan2", torch.atan2, math.atan2)):
        asked = ask(of_two, [a, b], f"aten.{name}", preset, rng)
        value_of = lambda value, place: slow(value, float(b[place[1]]))  # noqa: B023, E731
        compare(asked, plain.bent(a.numpy(), asked.elements, asked.settings, value_of))


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
    scale_of = lambda place: float(scale[place[1]]) if affine else 1.0  # noqa: E731
    compare(asked, plain.normalised(asked.elements, asked.settings, scale_of))


@few_examples
@given(data=st.data(), rng=seeds, preset=presets, affine=st.booleans())
def test_instance_norm(data: Any, rng: Any, preset: Preset, affine: bool) -> None:
    """Each picture and channel for itself: recorded as batch normalisation of one long list of channels."""
    draw: Draw = data.draw
    x = numbers(rng, (draw(sizes), draw(sizes), 3, *draw(st.lists(sizes, max_size=2))), False)
    scale = numbers(rng, (x.shape[1],), False)
    function = lambda x: F.instance_norm(x, weight=scale if affine else None)  # noqa: E731
    asked = ask(function, [x], "aten.native_batch_norm", preset, rng)
    scale_of = lambda place: float(scale[place[1] % len(scale)]) if affine else 1.0  # noqa: E731
    compare(asked, plain.normalised(asked.elements, asked.settings, scale_of))


@covers("aten.native_group_norm", "aten.native_layer_norm")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, affine=st.booleans())
def test_group_and_layer_norm(data: Any, rng: Any, preset: Preset, affine: bool) -> None:
    draw: Draw = data.draw
    groups, last = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    x = numbers(rng, (draw(sizes), groups * draw(st.integers(1, 2)), 3, *draw(st.lists(sizes, max_size=2))), False)
    scale = numbers(rng, (x.shape[1],), False)
    asked = ask(
        lambda x: F.group_norm(x, groups, scale if affine else None), [x], "aten.native_group_norm", preset, rng
    )
    scale_of = lambda place: float(scale[place[1]]) if affine else 1.0  # noqa: E731
    compare(asked, plain.normalised(asked.elements, asked.settings, scale_of))

    by_place = numbers(rng, x.shape[-last:], False)
    function = lambda x: F.layer_norm(x, x.shape[-last:], by_place if affine else None)  # noqa: E731
    asked = ask(function, [x], "aten.native_layer_norm", preset, rng)
    scale_of = lambda place: float(by_place[place[-last:]]) if affine else 1.0  # noqa: E731
    compare(asked, plain.normalised(asked.elements, asked.settings, scale_of))


# --- selectors --------------------------------------------------------------------------------------------------------


@covers("aten.topk", "aten.sort", "aten.kthvalue", "aten.median", "aten.max", "aten.min", "aten.nanmedian", "aten.mode")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, keepdim=st.booleans())
def test_what_is_taken_along_a_dimension(data: Any, rng: Any, preset: Preset, keepdim: bool) -> None:
    draw: Draw = data.draw
    x = numbers(rng, draw(st.lists(sizes, min_size=1, max_size=4)), False)
    last = x.ndim - 1
    dim = draw(st.integers(0, last))
    signed = draw(st.sampled_from([dim, dim - x.ndim]))
    size = x.shape[dim]
    k = draw(st.integers(1, size))
    falling = draw(st.booleans())
    at = lambda place: size - 1 - place[dim] if falling else place[dim]  # noqa: E731
    at_end = lambda place: x.shape[last] - 1 - place[last]  # noqa: E731
    name, function, dim, keeps, rank = draw(
        st.sampled_from(
            [
                ("topk", lambda x: x.topk(k, signed, largest=falling), dim, True, at),
                ("topk", lambda x: x.topk(1), last, True, at_end),
                ("sort", lambda x: x.sort(signed, descending=falling), dim, True, at),
                ("sort", lambda x: x.sort(dim=signed, descending=falling, stable=True), dim, True, at),
                ("sort", lambda x: x.sort(), last, True, lambda place: place[last]),
                ("kthvalue", lambda x: x.kthvalue(k, signed, keepdim), dim, keepdim, lambda place: k - 1),
                ("median", lambda x: x.median(signed, keepdim), dim, keepdim, lambda place: (size - 1) // 2),
                ("nanmedian", lambda x: x.nanmedian(signed, keepdim), dim, keepdim, lambda place: (size - 1) // 2),
                ("mode", lambda x: x.mode(signed, keepdim), dim, keepdim, lambda place: 0),  # of all different numbers
                ("max", lambda x: x.max(signed, keepdim), dim, keepdim, lambda place: size - 1),
                ("min", lambda x: x.min(signed, keepdim), dim, keepdim, lambda place: 0),
            ]
        )
    )
    asked = ask(lambda x: function(x)[0], [x], f"aten.{name}", preset, rng)
    compare(asked, plain.ordered(x.numpy(), asked.elements, dim, keeps, rank))


@covers("aten.amax", "aten.amin")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), keepdim=st.booleans())
def test_extremes(data: Any, rng: Any, preset: Preset, coarse: bool, keepdim: bool) -> None:
    draw: Draw = data.draw
    x = numbers(rng, draw(st.lists(sizes, min_size=1, max_size=4)), coarse)
    dims = draw(st.lists(st.integers(0, x.ndim - 1), max_size=x.ndim, unique=True))
    signed_dims = [dim - draw(st.sampled_from([0, x.ndim])) for dim in dims]
    for which, sign in (("max", 1), ("min", -1)):
        asked = ask(lambda x: getattr(x, f"a{which}")(signed_dims, keepdim), [x], f"aten.a{which}", preset, rng)  # noqa: B023
        everything = list(range(x.ndim))
        compare(asked, plain.extreme(x.numpy(), asked.elements, dims or everything, keepdim, sign))
        asked = ask(lambda x: getattr(x, which)(), [x], f"aten.{which}", preset, rng)  # noqa: B023
        compare(asked, plain.extreme(x.numpy(), asked.elements, everything, False, sign))
    for name in ("median", "nanmedian"):
        asked = ask(getattr(torch, name), [x], f"aten.{name}", preset, rng)
        compare(asked, plain.middle(x.numpy(), asked.elements))


@covers("aten.aminmax")
@few_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), keepdim=st.booleans())
def test_both_extremes(data: Any, rng: Any, preset: Preset, coarse: bool, keepdim: bool) -> None:
    draw: Draw = data.draw
    x = numbers(rng, draw(st.lists(sizes, min_size=1, max_size=4)), coarse)
    dim = draw(st.sampled_from([None, *range(-x.ndim, x.ndim)]))
    dims = list(range(x.ndim)) if dim is None else [dim % x.ndim]
    for slot, sign in ((0, -1), (1, 1)):
        asked = ask(lambda x: torch.aminmax(x, dim=dim, keepdim=keepdim), [x], "aten.aminmax", preset, rng, slot)
        compare(asked, plain.extreme(x.numpy(), asked.elements, dims, keepdim, sign))


@covers("aten.cummax", "aten.cummin")
@few_examples
@given(data=st.data(), rng=seeds, preset=presets)
def test_running_extremes(data: Any, rng: Any, preset: Preset) -> None:
    draw: Draw = data.draw
    x = numbers(rng, draw(st.lists(sizes, min_size=1, max_size=3)), False)
    dim = draw(st.integers(0, x.ndim - 1))
    for name, sign in (("cummax", 1), ("cummin", -1)):
        asked = ask(lambda x: getattr(x, name)(dim)[0], [x], f"aten.{name}", preset, rng)  # noqa: B023
        compare(asked, plain.running_extreme(x.numpy(), asked.elements, dim, sign))


@covers("aten.maximum", "aten.minimum")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans())
def test_the_larger_or_smaller_of_two(data: Any, rng: Any, preset: Preset, coarse: bool) -> None:
    a, b = (numbers(rng, shape, coarse) for shape in broadcastable(data.draw))
    for name, sign in (("maximum", 1), ("minimum", -1)):
        asked = ask(getattr(torch, name), [a, b], f"aten.{name}", preset, rng)
        compare(asked, plain.either(a.numpy(), b.numpy(), asked.elements, sign))


# --- completeness -----------------------------------------------------------------------------------------------------


def test_every_rule_is_covered() -> None:
    for path in Path(__file__).parent.glob("test_rules_*.py"):
        importlib.import_module(f"tests.engine.{path.stem}")
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
