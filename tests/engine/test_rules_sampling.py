"""Outputs that are weighted averages of places of a map: each weight from its definition, one place at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given
from hypothesis import strategies as st

from cnnfix_core.engine.presets import Preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.walk import unravel
from cnnfix_core.errors import NoRuleError
from tests.engine.asking import (
    Apply,
    Draw,
    ask,
    compare,
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
from tests.plain import sampling as slow

Axes = Callable[[plain.Place], tuple[plain.Place, Sequence[slow.Axis]]]


def check(
    function: Callable[..., Any], inputs: Sequence[torch.Tensor], name: str, preset: Preset, rng: Any, axes: Axes
) -> None:
    """The plain weights give what the network computed, and the rule walks as they say."""
    asked = ask(function, inputs, name, preset, rng)
    x, computed = inputs[0].numpy(), function(*inputs).numpy()
    for element in asked.elements:
        assert slow.total(x, element.place, axes) == pytest.approx(computed[element.place], rel=1e-6, abs=1e-9)
    compare(asked, slow.sampled(x, asked.elements, asked.settings, axes))


@covers("aten._adaptive_avg_pool2d", "aten._adaptive_avg_pool3d")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), dims=st.integers(1, 3))
def test_adaptive_avg_pool(data: Any, rng: Any, preset: Preset, coarse: bool, dims: int) -> None:
    """That of one dimension is recorded with a dimension more; an output of a single place as a mean."""
    draw: Draw = data.draw
    out = (*(draw(st.integers(1, 5)) for _ in range(dims - 1)), draw(st.integers(2, 5)))
    shape = [draw(st.integers(1, 7 if dims < 3 else 5)) for _ in range(dims)]
    x = numbers(rng, (*draw(st.sampled_from([(), (1,), (2,)])), draw(sizes), *shape), coarse)
    pool = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[dims - 1]
    asked = ask(lambda x: pool(x, out), [x], f"aten._adaptive_avg_pool{max(dims, 2)}d", preset, rng)
    if dims == 1:
        x, out = x.unsqueeze(-2), (1, *out)
    compare(asked, plain.adaptive_avg_pool(x.numpy(), asked.elements, asked.settings, out))


LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


@covers("aten.upsample_linear1d", "aten.upsample_bilinear2d", "aten.upsample_trilinear3d", "aten.upsample_bicubic2d")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, ends_meet=st.booleans(), cubic=st.booleans())
def test_interpolation(data: Any, rng: Any, preset: Preset, ends_meet: bool, cubic: bool) -> None:
    draw: Draw = data.draw
    dims = 2 if cubic else draw(st.integers(1, 3))
    shape = [draw(st.integers(1, 6)) for _ in range(dims)]
    out = [draw(st.integers(1, 8)) for _ in range(dims)]
    x = numbers(rng, (draw(st.integers(1, 2)), draw(sizes), *shape), False)
    mode = "bicubic" if cubic else LINEAR[dims]
    along = slow.cubic if cubic else slow.linear

    def axes(place: plain.Place) -> tuple[plain.Place, list[slow.Axis]]:
        pairs = zip(place[2:], shape, out, strict=True)
        return place[:2], [along(i, size, to, ends_meet) for i, size, to in pairs]

    function = lambda x: F.interpolate(x, out, mode=mode, align_corners=ends_meet)  # noqa: E731
    check(function, [x], f"aten.upsample_{mode}{dims}d", preset, rng, axes)


@covers("aten._upsample_bilinear2d_aa", "aten._upsample_bicubic2d_aa")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, cubic=st.booleans())
def test_antialiased_interpolation(data: Any, rng: Any, preset: Preset, cubic: bool) -> None:
    draw: Draw = data.draw
    shape = [draw(st.integers(1, 9)) for _ in "yx"]
    # Not one place wide: there PyTorch itself repeats the first row.
    out = [draw(st.integers(1, 6)), draw(st.integers(2, 6))]
    x = numbers(rng, (draw(st.integers(1, 2)), draw(sizes), *shape), False)
    mode = "bicubic" if cubic else "bilinear"

    def axes(place: plain.Place) -> tuple[plain.Place, list[slow.Axis]]:
        pairs = zip(place[2:], shape, out, strict=True)
        return place[:2], [slow.smooth(i, size, to, cubic) for i, size, to in pairs]

    function = lambda x: F.interpolate(x, out, mode=mode, antialias=True)  # noqa: E731
    check(function, [x], f"aten._upsample_{mode}2d_aa", preset, rng, axes)


@few_examples
@given(rng=seeds, preset=presets)
def test_interpolation_by_a_factor(rng: Any, preset: Preset) -> None:
    """The factor itself says where outputs lie: 4.5 rows were asked for, 4 are there."""
    x = numbers(rng, (1, 2, 3, 4), False)

    def axes(place: plain.Place) -> tuple[plain.Place, list[slow.Axis]]:
        return place[:2], [slow.between((i + 0.5) / 1.5 - 0.5, size) for i, size in zip(place[2:], (3, 4), strict=True)]

    function = lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear")  # noqa: E731
    check(function, [x], "aten.upsample_bilinear2d", preset, rng, axes)


@covers("torchvision.roi_align")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, aligned=st.booleans(), samples=st.sampled_from([0, 1, 2]))
def test_roi_align(data: Any, rng: Any, preset: Preset, aligned: bool, samples: int) -> None:
    """Boxes of any size, partly or wholly outside of the map."""
    draw: Draw = data.draw
    batch, height, width = draw(st.integers(1, 2)), draw(st.integers(1, 6)), draw(st.integers(1, 6))
    bins, scale = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(st.sampled_from([1.0, 0.5]))
    x = numbers(rng, (batch, draw(sizes), height, width), False)
    corners = rng.uniform(-3, 8, (3, 2))
    lengths = rng.uniform(0.1, 6, (3, 2))
    boxes = torch.from_numpy(np.c_[rng.integers(0, batch, 3), corners, corners + lengths])

    def axes(place: plain.Place) -> tuple[plain.Place, list[slow.Axis]]:
        box, channel, *at = place
        item, x0, y0, x1, y1 = (float(number) for number in boxes[box])
        ends = [(y0 * scale, y1 * scale), (x0 * scale, x1 * scale)]
        along = zip(at, (height, width), bins, ends, strict=True)
        return (int(item), channel), [slow.region(*given, samples, aligned) for given in along]

    function = lambda x: torchvision.ops.roi_align(x, boxes, bins, scale, samples, aligned)  # noqa: E731
    check(function, [x], "torchvision.roi_align", preset, rng, axes)


@covers("aten.grid_sampler_2d", "aten.grid_sampler_3d")
@many_examples
@given(
    data=st.data(),
    rng=seeds,
    preset=presets,
    padding=st.sampled_from(["zeros", "border", "reflection"]),
    nearest=st.booleans(),
    ends_meet=st.booleans(),
    dims=st.integers(2, 3),
)
def test_grid_sample(
    data: Any, rng: Any, preset: Preset, padding: str, nearest: bool, ends_meet: bool, dims: int
) -> None:
    draw: Draw = data.draw
    batch, lengths = draw(st.integers(1, 2)), [draw(st.integers(1, 5)) for _ in range(dims)]
    x = numbers(rng, (batch, draw(sizes), *lengths), False)
    grid = torch.from_numpy(rng.uniform(-2.6, 2.6, (batch, *(draw(sizes) for _ in range(dims)), dims)))

    def axes(place: plain.Place) -> tuple[plain.Place, list[slow.Axis]]:
        item, channel, *at = place
        backwards = grid[(item, *at)].tolist()[::-1]
        return (item, channel), [
            slow.grid(number, size, padding, ends_meet, nearest)
            for number, size in zip(backwards, lengths, strict=True)
        ]

    mode = "nearest" if nearest else "bilinear"
    function = lambda x: F.grid_sample(x, grid, mode, padding, ends_meet)  # noqa: E731
    check(function, [x], f"aten.grid_sampler_{dims}d", preset, rng, axes)


def test_grid_samples_without_a_rule() -> None:
    x, grid = torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 1, 2)
    tape = record(Apply(lambda x: F.grid_sample(x, grid, "bicubic", align_corners=False)), x)
    with pytest.raises(NoRuleError, match="sampling"):
        unravel(tape, (0, 0, 0, 0))
