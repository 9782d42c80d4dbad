"""Reductions, distances, sums of what lands on one place, deformed convolutions: against slow versions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given
from hypothesis import strategies as st

import cnnfix_core as cnnfix
from cnnfix_core.engine.presets import EVIDENCE, Preset
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
    numbers,
    presets,
    seeds,
    sizes,
    some_examples,
)
from tests.plain import reductions as slow
from tests.plain import rules as plain

aten = torch.ops.aten


class Reduced:
    """A random tensor, dimensions to reduce, and whether they stay."""

    def __init__(self, draw: Draw, rng: Any, coarse: bool, several: bool = True) -> None:
        self.x = numbers(rng, draw(st.lists(sizes, min_size=1, max_size=4)), coarse)
        least, most = (1, self.x.ndim) if several else (1, 1)
        self.dims = draw(st.lists(st.integers(0, self.x.ndim - 1), min_size=least, max_size=most, unique=True))
        self.given = [dim - draw(st.sampled_from([0, self.x.ndim])) for dim in self.dims]
        self.keepdim = draw(st.booleans())

    def windows(self, elements: Any) -> slow.Windows:
        return plain.reduced(self.x.numpy(), elements, self.dims, self.keepdim)


@covers("aten.std", "aten.var", "aten.std_mean", "aten.var_mean")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), name=st.sampled_from(["std", "var"]))
def test_spread(data: Any, rng: Any, preset: Preset, coarse: bool, name: str) -> None:
    one = Reduced(data.draw, rng, coarse)
    options = {"dim": one.given, "correction": 0, "keepdim": one.keepdim}
    asked = ask(lambda x: getattr(torch, name)(x, **options), [one.x], f"aten.{name}", preset, rng)
    compare(asked, slow.spread(one.x.numpy(), asked.elements, asked.settings, one.windows(asked.elements)))
    both = getattr(torch, f"{name}_mean")
    for slot, expected in ((0, slow.spread), (1, slow.sums)):
        asked = ask(lambda x: both(x, **options), [one.x], f"aten.{name}_mean", preset, rng, slot)
        compare(asked, expected(one.x.numpy(), asked.elements, asked.settings, one.windows(asked.elements)))


@pytest.mark.parametrize("function", [torch.std, torch.var, torch.linalg.vector_norm, torch.prod, lambda x: x.norm(3)])
def test_reductions_of_everything(function: Any) -> None:
    x = torch.rand(2, 3, dtype=torch.float64) + 1.5
    trace = unravel(record(Apply(function), x), ())
    assert trace.fixations.evidence.sum() == pytest.approx(1)


POWERS = [1, 2, 3, 0.5, math.inf, -math.inf]


@covers("aten.norm", "aten.linalg_vector_norm")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), power=st.sampled_from(POWERS))
def test_norm(data: Any, rng: Any, preset: Preset, coarse: bool, power: float) -> None:
    one = Reduced(data.draw, rng, coarse)
    functions = {
        "aten.linalg_vector_norm": lambda x: torch.linalg.vector_norm(x, power, one.given, one.keepdim),
        "aten.norm": lambda x: aten.norm.ScalarOpt_dim(x, power, one.given, one.keepdim),
    }
    for name, function in functions.items():
        asked = ask(function, [one.x], name, preset, rng)
        windows = one.windows(asked.elements)
        compare(asked, slow.norm(one.x.numpy(), asked.elements, asked.settings, windows, power))


def test_a_count_is_no_norm() -> None:
    tape = record(Apply(lambda x: torch.linalg.vector_norm(x, 0)), torch.ones(3))
    with pytest.raises(NoRuleError, match="a count of elements"):
        unravel(tape, ())


@covers("aten.logsumexp")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans())
def test_smooth_maximum(data: Any, rng: Any, preset: Preset, coarse: bool) -> None:
    one = Reduced(data.draw, rng, coarse)
    asked = ask(lambda x: x.logsumexp(one.given, one.keepdim), [one.x], "aten.logsumexp", preset, rng)
    compare(asked, slow.smooth_maximum(one.x.numpy(), asked.elements, asked.settings, one.windows(asked.elements)))


@covers("aten.prod", "aten.cumprod", "aten.cumsum")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans())
def test_products_and_running_sums(data: Any, rng: Any, preset: Preset, coarse: bool) -> None:
    one = Reduced(data.draw, rng, coarse, several=False)
    x, dim = one.x.numpy(), one.dims[0]
    asked = ask(lambda x: x.prod(one.given[0], one.keepdim), [one.x], "aten.prod", preset, rng)
    compare(asked, slow.product(x, asked.elements, asked.settings, one.windows(asked.elements)))
    for name, expected in (("cumsum", slow.sums), ("cumprod", slow.product)):
        asked = ask(lambda x: getattr(x, name)(one.given[0]), [one.x], f"aten.{name}", preset, rng)  # noqa: B023
        compare(asked, expected(x, asked.elements, asked.settings, slow.running(x.shape, asked.elements, dim)))


def test_a_noisy_or_goes_to_the_instances_that_fire() -> None:
    """As in multiple-instance learning: one minus the product of what speaks against each instance."""
    p = torch.tensor([[0.9, 0.01, 0.5]], dtype=torch.float64)
    reached = unravel(record(Apply(lambda p: 1 - (1 - p).prod(1)), p), (0,)).fixations
    expected = np.log([0.1, 0.99, 0.5])
    assert reached.evidence.tolist() == pytest.approx((expected / expected.sum()).tolist())
    assert reached.sign.tolist() == [1, 1, 1]


# --- distances --------------------------------------------------------------------------------------------------------


@covers("aten._cdist_forward", "aten._euclidean_dist")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), power=st.sampled_from([1.0, 2.0, 3.0]))
def test_distances(data: Any, rng: Any, preset: Preset, coarse: bool, power: float) -> None:
    draw: Draw = data.draw
    m, lead = draw(sizes), draw(st.sampled_from([[], [1], [2], [2, 2]]))
    a = numbers(rng, [*lead, draw(sizes), m], coarse)
    b = numbers(rng, [*[draw(st.sampled_from([1, size])) for size in lead], draw(sizes), m], coarse)
    mode = "donot_use_mm_for_euclid_dist"
    asked = ask(lambda a, b: torch.cdist(a, b, power, mode), [a, b], "aten._cdist_forward", preset, rng)
    pair = [a.numpy(), b.numpy()]
    compare(asked, slow.distances(pair, asked.elements, asked.settings, power, [0, 1]))
    asked = ask(lambda a: torch.cdist(a, b, power, mode), [a], "aten._cdist_forward", preset, rng)
    compare(asked, slow.distances(pair, asked.elements, asked.settings, power, [0]))
    if power == 2 and a.shape[:-2] == b.shape[:-2]:
        asked = ask(
            lambda a, b: torch.cdist(a, b, 2.0, "use_mm_for_euclid_dist"), [a, b], "aten._euclidean_dist", preset, rng
        )
        compare(asked, slow.distances(pair, asked.elements, asked.settings, 2.0, [0, 1]))


def test_what_makes_a_distance_low_is_what_agrees() -> None:
    """As in networks of prototypes: the score is high because the distance is low."""
    x, prototype = torch.tensor([[3.0, 0.0, 1.0]]), torch.tensor([[3.0, 2.0, 0.0]])
    reached = unravel(record(Apply(lambda x: -torch.cdist(x, prototype)), x), (0, 0)).fixations
    assert reached.index.tolist() == [[0, 0]]


def test_a_distance_of_the_largest_coordinate_is_refused() -> None:
    tape = record(Apply(lambda x: torch.cdist(x, x, math.inf)), torch.rand(2, 3))
    with pytest.raises(NoRuleError, match="not the sum of the coordinates"):
        unravel(tape, (0, 1))


# --- what lands on one place ------------------------------------------------------------------------------------------


@covers("aten.col2im")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans())
def test_folding(data: Any, rng: Any, preset: Preset, coarse: bool) -> None:
    draw: Draw = data.draw
    size, kernel = ([draw(st.integers(low, 4)) for _ in "yx"] for low in (3, 1))
    kernel = [min(k, 2) for k in kernel]
    stride, padding = [draw(st.integers(1, 2)) for _ in "yx"], [draw(st.integers(0, 1)) for _ in "yx"]
    across = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(size, kernel, stride, padding, strict=True)]
    shape = [2, math.prod(kernel), math.prod(across)]
    x = numbers(rng, [*draw(st.sampled_from([[], [2]])), shape[0] * shape[1], shape[2]], coarse)

    def lands(place: plain.Place) -> plain.Place | None:
        *item, column, number = place
        channel, tap = divmod(column, shape[1])
        at = [
            o * s - p + t
            for o, t, s, p in zip(divmod(number, across[1]), divmod(tap, kernel[1]), stride, padding, strict=True)
        ]
        return (*item, channel, *at) if all(0 <= n < limit for n, limit in zip(at, size, strict=True)) else None

    function = lambda x: F.fold(x, size, kernel, padding=padding, stride=stride)  # noqa: E731
    asked = ask(function, [x], "aten.col2im", preset, rng)
    compare(asked, slow.landed(asked.elements, asked.settings, [(0, x.numpy(), lands)]))


@covers("aten.scatter_add", "aten.scatter_reduce", "aten.index_add")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), own=st.booleans())
def test_scattering_with_a_sum(data: Any, rng: Any, preset: Preset, coarse: bool, own: bool) -> None:
    draw: Draw = data.draw
    shape, dim = [draw(sizes) for _ in range(3)], draw(st.integers(0, 2))
    source = [*shape[:dim], draw(sizes), *shape[dim + 1 :]]
    base, y = numbers(rng, shape, coarse), numbers(rng, source, coarse)
    index = torch.from_numpy(rng.integers(0, shape[dim], source))
    along = torch.from_numpy(rng.integers(0, shape[dim], source[dim]))

    def scattered(place: plain.Place) -> plain.Place:
        return (*place[:dim], int(index[place]), *place[dim + 1 :])

    def added(place: plain.Place) -> plain.Place:
        return (*place[:dim], int(along[place[dim]]), *place[dim + 1 :])

    how = draw(st.sampled_from(["sum", "mean"]))
    functions: dict[str, Any] = {
        "scatter_add": (lambda b, y: b.scatter_add(dim, index, y), scattered, True),
        "index_add": (lambda b, y: b.index_add(dim, along, y), added, True),
        "scatter_reduce": (lambda b, y: b.scatter_reduce(dim, index, y, how, include_self=own), scattered, own),
    }
    for name, (function, lands, stays) in functions.items():
        asked = ask(function, [base, y], f"aten.{name}", preset, rng)
        both = [(0, base.numpy(), lambda place: place)] if stays else []
        compare(asked, slow.landed(asked.elements, asked.settings, [*both, (1, y.numpy(), lands)]))


@few_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans())
def test_adding_at_given_places(data: Any, rng: Any, preset: Preset, coarse: bool) -> None:
    draw: Draw = data.draw
    shape = [draw(sizes) for _ in range(3)]
    first, second = (rng.integers(0, size, 4) for size in shape[:2])
    base, y = numbers(rng, shape, coarse), numbers(rng, [4, shape[2]], coarse)
    places = tuple(torch.from_numpy(one) for one in (first, second))
    asked = ask(lambda b, y: b.index_put(places, y, accumulate=True), [base, y], "aten.index_put", preset, rng)
    lands = lambda place: (int(first[place[0]]), int(second[place[0]]), place[1])  # noqa: E731
    landings = [(0, base.numpy(), lambda place: place), (1, y.numpy(), lands)]
    compare(asked, slow.landed(asked.elements, asked.settings, landings))


def test_scattering_that_keeps_one_is_refused() -> None:
    tape = record(Apply(lambda x: x.scatter_reduce(0, torch.zeros(2).long(), x, "amax")), torch.rand(2))
    with pytest.raises(NoRuleError, match="scattering that keeps the amax"):
        unravel(tape, (0,))


# --- deformed convolutions --------------------------------------------------------------------------------------------


@covers("torchvision.deform_conv2d")
@some_examples
@given(data=st.data(), rng=seeds, preset=presets, masked=st.booleans())
def test_deformable_convolution(data: Any, rng: Any, preset: Preset, masked: bool) -> None:
    draw: Draw = data.draw
    groups, offset_groups = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    stride, padding, dilation = draw(st.integers(1, 2)), draw(st.integers(0, 2)), draw(st.integers(1, 2))
    kernel = [draw(st.integers(1, 3)), draw(st.integers(1, 2))]
    channels = 2 * groups if groups == 2 else 2
    size = [5, 4]
    out = [(n + 2 * padding - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(size, kernel, strict=True)]
    x = numbers(rng, [2, channels, *size], False)
    weight = numbers(rng, [2 * groups, channels // groups, *kernel], False)
    offset = numbers(rng, [2, 2 * offset_groups * math.prod(kernel), *out], False) * 1.5
    mask = numbers(rng, [2, offset_groups * math.prod(kernel), *out], False) if masked else None
    function = lambda x: torchvision.ops.deform_conv2d(  # noqa: E731
        x, offset, weight, None, (stride,) * 2, (padding,) * 2, (dilation,) * 2, mask
    )
    asked = ask(function, [x], "torchvision.deform_conv2d", preset, rng)
    given_ = x.numpy(), weight.numpy(), offset.numpy(), None if mask is None else mask.numpy()
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    computed = function(x).numpy()
    for element in asked.elements:
        terms = slow.deformed_terms(*given_, element.place, **geometry)
        total = sum(term.coefficient * term.value for term in terms)
        assert total == pytest.approx(computed[element.place], rel=1e-6, abs=1e-9)
    compare(asked, slow.deformed(*given_, asked.elements, asked.settings, **geometry), rel=1e-6)


def test_walks_get_through_a_deformable_network() -> None:
    torch.manual_seed(0)
    cut, offsets = torch.nn.Conv2d(3, 8, 3, 2, 1), torch.nn.Conv2d(8, 18, 3, 1, 1)
    deform = torchvision.ops.DeformConv2d(8, 8, 3, padding=1)
    module = torch.nn.ModuleList([cut, offsets, deform])
    network = Apply(lambda x: deform(y := cut(x).relu(), offsets(y)).relu().mean((2, 3)))
    network.parts = module
    assert cnnfix.coverage(network, torch.rand(1, 3, 32, 32)).complete


# --- regions ----------------------------------------------------------------------------------------------------------


@covers("torchvision.roi_pool")
@few_examples
@given(rng=seeds, preset=presets)
def test_roi_pool(rng: Any, preset: Preset) -> None:
    """The largest element of each cell; each output is the value of the element that it came from."""
    x = numbers(rng, (2, 3, 6, 6), False)
    boxes = torch.tensor([[0.0, 0, 0, 5, 5], [1, 2, 1, 5, 4], [0, 8, 8, 9, 9]], dtype=torch.float64)
    asked = ask(lambda x: torchvision.ops.roi_pool(x, boxes, 2), [x], "torchvision.roi_pool", preset, rng)
    out = torchvision.ops.roi_pool(x, boxes, 2)
    steps = []
    for row, element in enumerate(asked.elements):
        box, channel, *_ = element.place
        plane = x[int(boxes[box, 0]), channel]
        found = (plane == out[element.place]).nonzero().tolist()
        place = (int(boxes[box, 0]), channel, *found[0]) if found else None
        steps.append(plain.Step(row, 0, place, element.sign, element.evidence))
    compare(asked, steps)


# --- taken apart ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fused", "written_out"),
    [
        (torch.hypot, lambda a, b: (a**2 + b**2).sqrt()),
        (torch.logaddexp, lambda a, b: torch.stack([a, b]).logsumexp(0)),
        (lambda a, b: torch.addr(a, b[0], b[1], alpha=0.5), lambda a, b: a + 0.5 * (b[0][:, None] * b[1])),
        (lambda a, b: a.clone().lerp_(b, a.sigmoid()), lambda a, b: torch.lerp(a, b, a.sigmoid())),
        (lambda a, b: a.clone().addcmul_(a, b), lambda a, b: a + a * b),
        (lambda a, b: a.nansum(1), lambda a, b: a.sum(1)),
    ],
    ids=["hypot", "logaddexp", "addr", "lerp in place", "addcmul in place", "nansum"],
)
def test_fused_arithmetic(fused: Any, written_out: Any) -> None:
    a, b = (torch.rand(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(n)) + 0.1 for n in range(2))
    tape, twin = record(Apply(fused), a, b), record(Apply(written_out), a, b)
    assert torch.allclose(tape.result, twin.result)
    target = (1,) * tape.output_tensor.ndim
    one, other = (unravel(each, target, EVIDENCE) for each in (tape, twin))
    for number in range(2):
        reached, expected = one.fixations_of(number), other.fixations_of(number)
        assert reached.index.tolist() == expected.index.tolist()
        assert reached.evidence == pytest.approx(expected.evidence)


def test_a_bilinear_layer() -> None:
    torch.manual_seed(0)
    layer = torch.nn.Bilinear(3, 4, 2)
    tape = record(layer, torch.rand(2, 3), torch.rand(2, 4))
    assert "aten._trilinear" not in {operation.name for operation in tape.operations}
    target = (1, int(tape.output_tensor[1].argmax()))
    trace = unravel(tape, target)
    reached = [trace.fixations_of(n).evidence.sum() for n in (0, 1)]
    assert sum(reached) + sum(trace.left.values()) == pytest.approx(1, rel=1e-5)
