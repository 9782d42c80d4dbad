"""What decided each element of a walk: every number recomputed with PyTorch, every share compared with the edges."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

import cnnfix_core as cnnfix
from cnnfix_core.backtrack.decisions import explainers
from cnnfix_core.backtrack.decisions.deciding import decide
from cnnfix_core.backtrack.decisions.decision import Decision
from cnnfix_core.backtrack.decisions.sentences import element_name, number
from cnnfix_core.engine import rules
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record, record_whole
from cnnfix_core.engine.tape import Operation, Value
from cnnfix_core.engine.walk import Trace, unravel
from cnnfix_core.errors import NothingContributesError
from cnnfix_core.images.view import views
from cnnfix_core.zoo.architectures import build
from tests.engine.asking import Apply

aten = torch.ops.aten
PRESETS = [EVIDENCE, PUBLISHED, replace(EVIDENCE, fan_out=1, beam=12), replace(PUBLISHED, location="product")]


# --- an element, recomputed by running its operation again -----------------------------------------------------------


def rerun(operation: Operation, slot: int, replaced: dict[Value, Tensor]) -> Tensor:
    """The operation on the values of the tape, some replaced."""

    def data(value: Value) -> Any:
        return replaced.get(value, value.data)

    args, kwargs = tree_map_only(Value, data, (operation.args, operation.kwargs))
    result = operation.call(*args, **kwargs)
    return result if isinstance(result, Tensor) else result[slot]


def slopes(trace: Trace, decision: Decision, output: Value) -> dict[Value, Tensor]:
    """The derivative of the element with respect to all inputs, by PyTorch."""
    operation = decision.operation
    assert operation is not None
    leaves = {value: value.data.detach().clone().requires_grad_() for value in operation.activations()}  # type: ignore[union-attr]
    with torch.enable_grad():
        # Times one, for an operation that writes in place must not write into a leaf.
        made = rerun(operation, slot_of(output), {value: leaf * 1 for value, leaf in leaves.items()})
        grads = torch.autograd.grad(made[decision.position], list(leaves.values()), allow_unused=True)
    return {
        value: torch.zeros_like(leaf) if grad is None else grad
        for (value, leaf), grad in zip(leaves.items(), grads, strict=True)
    }


def slot_of(output: Value) -> int:
    assert output.producer is not None
    return next(n for n, value in enumerate(output.producer.outputs) if value is output)


def check_value(decision: Decision, output: Value, rel: float) -> None:
    """The value is what the operation gives, and the sum of what the inputs brought."""
    assert output.data is not None
    assert decision.value == float(output.data[decision.position])
    if decision.kind in ("input", "other"):
        return
    products = [term.product for term in decision.terms]
    total = sum(products) + decision.others + (decision.bias or 0)
    size = sum(map(abs, products)) + abs(decision.bias or 0)
    assert total == pytest.approx(decision.value, rel=rel, abs=rel * max(size, 1e-3))
    for term in decision.terms:
        assert term.value.data is not None
        assert term.activation == float(term.value.data[term.position])
        if term.coefficient is not None:
            assert term.product == pytest.approx(term.coefficient * term.activation, rel=1e-9)


def check_shares(trace: Trace, output: Value, row: int, decision: Decision) -> None:
    """Shares and signs are those of the engine's edges; what was followed comes first."""
    given: dict[Any, float] = defaultdict(float)
    asked: dict[Any, int] = {}
    for hop in trace.hops:
        if hop.output is output:
            parents, children, evidence = hop.edges()
            reached = trace.selection(hop.input)
            for child, brought in zip(children[parents == row], evidence[parents == row], strict=True):
                key = hop.input, tuple(reached.coordinates[child].tolist())
                given[key] += float(brought)
                asked[key] = int(reached.sign[child])
    selection = trace.selection(output)
    assert (decision.sign, decision.evidence) == (selection.sign[row], selection.evidence[row])
    listed = {(term.value, term.position): term for term in decision.terms if term.share > 0}
    assert len(listed) == min(12, len(given))
    assert set(listed) <= set(given)
    for key, term in listed.items():
        assert term.share * sum(given.values()) == pytest.approx(given[key], rel=1e-6)
        assert term.sign == asked[key]
    expected = sorted(given.values(), reverse=True)[:12]
    listed_share = sum(term.share for term in decision.terms)
    assert listed_share * sum(given.values()) == pytest.approx(sum(expected), rel=1e-6)
    shares = [term.share for term in decision.terms]
    assert shares == sorted(shares, reverse=True)


def check_coefficients(trace: Trace, output: Value, decision: Decision) -> None:
    """Coefficients are slopes; and without one of the inputs its product is missing from the value."""
    found = slopes(trace, decision, output)
    count = sum(int((slope != 0).sum()) for slope in found.values())
    assert decision.inputs == count
    operation = decision.operation
    assert operation is not None
    for term in decision.terms:
        assert term.coefficient == pytest.approx(float(found[term.value][term.position]), rel=1e-9, abs=1e-12)
        without = term.value.data.clone()  # type: ignore[union-attr]
        without[term.position] = 0
        left = float(rerun(operation, slot_of(output), {term.value: without})[decision.position])
        assert decision.value - left == pytest.approx(term.product, rel=1e-7, abs=1e-9)
    speaking = [decision.sign * term.product for term in decision.terms if term.share == 0]
    assert speaking == sorted(speaking, reverse=True)


def cells(decision: Decision) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The cells of a grid, and where each lies in the input's map."""
    grid = decision.grid
    assert grid is not None
    for row, column in itertools.product(*map(range, grid.activations.shape)):
        yield (row, column), (grid.corner[0] + row * grid.step[0], grid.corner[1] + column * grid.step[1])


def check_grid(trace: Trace, output: Value, decision: Decision, dims: int) -> None:
    """Each cell is the input's number at its place, NaN outside; the filter is the slope there; the winner won."""
    grid = decision.grid
    assert grid is not None
    first = decision.terms[0]
    data = first.value.data
    assert data is not None
    if any(term.share > 0 for term in decision.terms):
        assert grid.channel == first.position[-dims - 1]
        assert grid.winner is not None
        expected = ((0, *first.position[-dims:]))[-2:]
        assert dict(cells(decision))[grid.winner] == expected
    else:
        assert grid.winner is None
    assert min(grid.step) >= 1
    depth = first.position[-3:-2] if dims == 3 else ()
    lead = (*first.position[: -dims - 1], grid.channel, *depth)
    assert (grid.depth is not None) == (dims == 3)
    found = slopes(trace, decision, output)[first.value][lead]
    plane = data[lead]
    plane, found = (plane[None], found[None]) if dims == 1 else (plane, found)
    for cell, (row, column) in cells(decision):
        inside = 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]
        assert np.isnan(grid.activations[cell]) == (not inside)
        if inside:
            assert grid.activations[cell] == float(plane[row, column])
        if inside and grid.coefficients is not None:
            assert grid.products is not None
            assert grid.coefficients[cell] == pytest.approx(float(found[row, column]), rel=1e-9, abs=1e-12)
            assert grid.products[cell] == pytest.approx(float(found[row, column] * plane[row, column]), abs=1e-12)
        elif grid.products is not None:
            assert np.isnan(grid.products[cell])
    # Nothing that the element sees of this map lies outside the grid.
    seen = {place for _, place in cells(decision)}
    assert all((int(r), int(c)) in seen for r, c in found.nonzero())


# --- one operation at a time -----------------------------------------------------------------------------------------


def walks_from_sums(
    function: Callable[..., Any], shapes: list[tuple[int, ...]], preset: Preset, name: str | None
) -> Iterator[tuple[Trace, Value]]:
    """Walks from random sums of what the function gives, in which its elements are asked why they are high or low.

    With each walk comes the last output of the operations of that name; of all operations where none is given.
    """
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        inputs = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
        tape = record_whole(Apply(function), *inputs)
        weights = torch.randn(tape.output.shape, generator=generator, dtype=torch.float64)
        try:
            # The weights are bound here, but the function is called at once.
            trace = unravel(tape, lambda result, weights=weights: (result * weights).sum(), preset)
        except NothingContributesError:
            continue
        made = [operation.outputs[0] for operation in tape.operations if name in (None, operation.name)]
        yield trace, made[-1]


def explained(
    function: Callable[..., Any],
    shapes: list[tuple[int, ...]],
    preset: Preset,
    kind: str,
    name: str | None = None,
) -> Iterator[tuple[Trace, Value, Decision]]:
    """Decisions on elements that the last operation (of that name) made, numbers and shares checked."""
    rng = np.random.default_rng(0)
    found = list(islice(walks_from_sums(function, shapes, preset, name), 4))
    assert found
    for trace, output in found:
        rows = len(trace.selection(output))
        assert rows
        for row in rng.permutation(rows)[:4].tolist():
            decision = decide(trace, output, row)
            assert decision.kind == kind
            assert decision.sentence
            assert decision.operation is output.producer
            check_value(decision, output, 1e-9)
            check_shares(trace, output, row, decision)
            yield trace, output, decision


def parameter(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


def convolved(x: Tensor, *weight: int, bias: int = 0, **options: Any) -> Tensor:
    function = [F.conv1d, F.conv2d, F.conv3d][len(weight) - 3]
    return function(x, parameter(*weight), parameter(bias) if bias else None, **options)


def transposed(x: Tensor, *weight: int, bias: int = 0, **options: Any) -> Tensor:
    function = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][len(weight) - 3]
    return function(x, parameter(*weight), parameter(bias) if bias else None, **options)


MAP = [(1, 4, 7, 6)]
LINE = [(1, 4, 9)]
CUBE = [(1, 2, 4, 5, 3)]
WINDOWS: dict[str, tuple[Any, Any]] = {
    "plain": (lambda x: convolved(x, 5, 4, 3, 3, bias=5), MAP),
    "padding": (lambda x: convolved(x, 5, 4, 3, 3, padding=2), MAP),
    "stride": (lambda x: convolved(x, 5, 4, 3, 2, bias=5, stride=(2, 3), padding=1), MAP),
    "dilation": (lambda x: convolved(x, 5, 4, 3, 2, dilation=(2, 3), padding=2), MAP),
    "groups": (lambda x: convolved(x, 6, 2, 3, 3, groups=2, padding=1), MAP),
    "depthwise": (lambda x: convolved(x, 4, 1, 3, 3, groups=4, padding=1, bias=4), MAP),
    "one by one": (lambda x: convolved(x, 5, 4, 1, 1), MAP),
    "batch of two": (lambda x: convolved(x, 5, 4, 3, 3), [(2, 4, 5, 5)]),
    "line": (lambda x: convolved(x, 6, 2, 3, groups=2, padding=1, bias=6), LINE),
    "cube": (lambda x: convolved(x, 3, 2, 2, 3, 2, padding=1, stride=2, bias=3), CUBE),
    "transposed": (lambda x: transposed(x, 4, 3, 4, 4, bias=3, stride=2, padding=1, output_padding=1), MAP),
    "transposed, dilated": (lambda x: transposed(x, 4, 3, 3, 2, groups=2, stride=(3, 2), dilation=(2, 3)), MAP),
    "transposed line": (lambda x: transposed(x, 4, 3, 4, stride=2), LINE),
    "transposed cube": (lambda x: transposed(x, 2, 3, 2, 3, 2, stride=2, padding=1), CUBE),
    "average": (lambda x: F.avg_pool2d(x, 3, 2, 1), MAP),
    "average, padding not counted": (lambda x: F.avg_pool2d(x, (3, 2), 2, 1, count_include_pad=False), MAP),
    "average, rounded up": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), [(1, 2, 8, 8)]),
    "average, own divisor": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), MAP),
    "average of a cube": (lambda x: F.avg_pool3d(x, 2, 1, 1), CUBE),
}


def dimensions(output: Value) -> int:
    return len(output.shape) - 2


@pytest.mark.parametrize("preset", PRESETS, ids=range(len(PRESETS)))
@pytest.mark.parametrize("name", WINDOWS)
def test_windows(name: str, preset: Preset) -> None:
    for trace, output, decision in explained(*WINDOWS[name], preset, "window"):
        if not decision.inputs:
            assert decision.grid is None
            continue
        check_coefficients(trace, output, decision)
        check_grid(trace, output, decision, dimensions(output))


def test_a_window_at_the_border_shows_the_padding() -> None:
    seen = set()
    for _, _, decision in explained(*WINDOWS["padding"], EVIDENCE, "window"):
        assert decision.grid is not None
        outside = np.isnan(decision.grid.activations)
        corner = decision.position[2] - 2, decision.position[3] - 2
        assert decision.grid.corner == corner
        for row, column in itertools.product(range(3), range(3)):
            inside = 0 <= corner[0] + row < 7 and 0 <= corner[1] + column < 6
            assert outside[row, column] == (not inside)
        seen.add(bool(outside.any()))
    assert seen == {True, False}


MEANS: dict[str, tuple[Any, Any, int]] = {
    "global": (lambda x: x.mean((2, 3)), MAP, 2),
    "global, kept": (lambda x: F.adaptive_avg_pool2d(x, 1), MAP, 2),
    "last two": (lambda x: x.mean((-1, -2), keepdim=True), MAP, 2),
    "sum": (lambda x: x.sum((2, 3)), MAP, 2),
    "line": (lambda x: x.mean(2), LINE, 1),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, (3, 4)), MAP, 2),
    "adaptive cube": (lambda x: F.adaptive_avg_pool3d(x, (3, 2, 2)), CUBE, 3),
    "channels": (lambda x: x.mean(1), MAP, 0),
    "first and last": (lambda x: x.sum((1, 3), keepdim=True), MAP, 0),
    "large": (lambda x: x.mean((2, 3)), [(1, 2, 65, 3)], 0),
}


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
@pytest.mark.parametrize("name", MEANS)
def test_means(name: str, preset: Preset) -> None:
    function, shapes, dims = MEANS[name]
    for trace, output, decision in explained(function, shapes, preset, "mean"):
        check_coefficients(trace, output, decision)
        assert (decision.grid is not None) == bool(dims)
        if dims:
            check_grid(trace, output, decision, dims)


def test_the_mean_of_all_elements() -> None:
    for trace, output, decision in explained(lambda x: x.mean() + 1, MAP, EVIDENCE, "mean", "aten.mean"):
        assert decision.inputs == 4 * 7 * 6
        check_coefficients(trace, output, decision)


BOXES = torch.tensor([[0, 0.3, 0.6, 5.2, 4.9], [0, 2.0, 1.0, 3.5, 6.0]], dtype=torch.float64)
HEADS = [(1, 2, 5, 3), (1, 2, 6, 3), (1, 2, 6, 3)]
DENSE: dict[str, tuple[Any, Any]] = {
    "layer": (lambda x: F.linear(x, parameter(5, 30), parameter(5)), [(1, 30)]),
    "layer without bias": (lambda x: F.linear(x, parameter(5, 7)), [(1, 7)]),
    "scaled bias": (lambda x: torch.addmm(parameter(5), x, parameter(7, 5), beta=0.5, alpha=-2.0), [(1, 7)]),
    "of many places": (lambda x: torch.addmm(parameter(5), x, parameter(7, 5)), [(6, 7)]),
    "of a map": (lambda x: F.linear(x.flatten(1), parameter(5, 12), parameter(5)), [(1, 3, 2, 2)]),
    "from the left": (lambda x: parameter(5, 4) @ x, [(4, 6)]),
    "batches": (lambda x: torch.bmm(parameter(2, 3, 4), x), [(2, 4, 5)]),
    "vector": (lambda x: torch.mv(x, parameter(5)), [(4, 5)]),
    "resized": (lambda x: F.interpolate(x, (9, 5), mode="bilinear"), MAP),
    "resized to the corners": (lambda x: F.interpolate(x, (9, 5), mode="bilinear", align_corners=True), MAP),
    "bicubic": (lambda x: F.interpolate(x, (4, 9), mode="bicubic"), MAP),
    "resized with antialiasing": (lambda x: F.interpolate(x, (3, 3), mode="bilinear", antialias=True), MAP),
    "regions": (lambda x: torchvision.ops.roi_align(x, BOXES, (2, 3), 0.9, 2, True), MAP),
    "grid": (lambda x: F.grid_sample(x, torch.tanh(parameter(1, 3, 3, 2)), align_corners=False), MAP),
}


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
@pytest.mark.parametrize("name", DENSE)
def test_dense(name: str, preset: Preset) -> None:
    for trace, output, decision in explained(*DENSE[name], preset, "dense"):
        if decision.inputs:
            check_coefficients(trace, output, decision)
        if decision.grid is not None:
            check_grid(trace, output, decision, 2)


@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}, {"attn_mask": parameter(5, 6)}], ids=str)
def test_attention(options: Any) -> None:
    function = partial(F.scaled_dot_product_attention, **options)
    for _, _, decision in explained(function, HEADS, EVIDENCE, "dense"):
        _, head, query, channel = decision.position
        assert decision.operation is not None
        q, k = (value.data[0, head] for value in decision.operation.args[:2])
        logits = k @ q[query] * options.get("scale", 3**-0.5)
        logits = logits + options["attn_mask"][query] if "attn_mask" in options else logits
        weights = logits[: query + 1 if "is_causal" in options else 6].softmax(0)
        assert decision.inputs == len(weights)
        for term in decision.terms:
            place = term.position[2]
            assert term.position == (0, head, place, channel)
            assert term.value is decision.operation.args[2]
            assert term.coefficient == pytest.approx(float(weights[place]))


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_a_product_with_a_computed_matrix(preset: Preset) -> None:
    """A softmax is a gate: the other factor is followed, and it is the coefficient."""
    for _, _, decision in explained(lambda a, b: a.softmax(2) @ b, [(2, 3, 4), (2, 4, 2)], preset, "dense", "aten.bmm"):
        assert decision.operation is not None
        gate, feature = decision.operation.args
        batch, row, column = decision.position
        assert decision.inputs == 4
        for term in decision.terms:
            assert term.value is feature
            assert term.position == (batch, term.position[1], column)
            assert term.coefficient == float(gate.data[batch, row, term.position[1]])


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_products_of_two_features(preset: Preset) -> None:
    """In the evidence walk each factor brings half; the published one follows the second, but the sum is the same."""
    for _, _, decision in explained(torch.bmm, [(2, 3, 4), (2, 4, 2)], preset, "dense"):
        assert decision.operation is not None
        a, b = (value.data for value in decision.operation.args)
        batch, row, column = decision.position
        assert decision.inputs == 8
        for term in decision.terms:
            other = b[batch, term.position[2], column] if term.value.data is a else a[batch, row, term.position[1]]
            assert term.coefficient == pytest.approx(float(other) / 2)


SELECTORS: dict[str, tuple[Any, Any, int]] = {
    "pool": (lambda x: F.max_pool2d(x, 2), MAP, 2),
    "pool with padding": (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), MAP, 2),
    "pool, dilated": (lambda x: F.max_pool2d(x, (2, 3), 1, dilation=(3, 2), padding=1), MAP, 2),
    "pool of a cube": (lambda x: F.max_pool3d(x, 2, 1, 1), CUBE, 3),
    "adaptive": (lambda x: F.adaptive_max_pool2d(x, (3, 4)), MAP, 2),
    "adaptive cube": (lambda x: F.adaptive_max_pool3d(x, (3, 2, 2)), CUBE, 3),
    "fractional": (lambda x: F.fractional_max_pool2d(x, 2, (3, 3)), MAP, 0),
    "along": (lambda x: x.max(1).values, MAP, 0),
    "along, smallest": (lambda x: x.min(2, keepdim=True).values, MAP, 0),
    "several dimensions": (lambda x: x.amax((1, 3)), MAP, 0),
    "several, smallest": (lambda x: x.amin((0, 2), keepdim=True), MAP, 0),
    "median": (lambda x: x.median(3).values, MAP, 0),
    "best": (lambda x: x.topk(3, 1).values, MAP, 0),
    "sorted": (lambda x: x.sort(2).values, MAP, 0),
    "third": (lambda x: x.kthvalue(3, 2).values, MAP, 0),
    "two": (torch.maximum, [(1, 4, 3, 3), (4, 1, 1)], 0),
    "two, smallest": (torch.minimum, [(1, 4, 3, 3), (1, 4, 3, 3)], 0),
}


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
@pytest.mark.parametrize("name", SELECTORS)
def test_selectors(name: str, preset: Preset) -> None:
    function, shapes, dims = SELECTORS[name]
    for trace, output, decision in explained(function, shapes, preset, "maximum"):
        if name == "fractional":
            assert [term.product for term in decision.terms] == [decision.value]
            continue
        taken = [term for term in decision.terms if term.product]
        assert [term.activation for term in taken] == [decision.value]
        assert taken[0] is decision.terms[0]
        found = slopes(trace, decision, output)[taken[0].value]
        assert found.nonzero().tolist() == [list(taken[0].position)]
        if decision.sentence.find("the largest") > 0:
            assert decision.value == max(term.activation for term in decision.terms)
        if decision.sentence.find("the smallest") > 0:
            assert decision.value == min(term.activation for term in decision.terms)
        if dims:
            assert decision.grid is not None
            assert decision.inputs >= np.isfinite(decision.grid.activations).sum()
            assert dims == 3 or decision.inputs == np.isfinite(decision.grid.activations).sum()
            check_grid(trace, output, decision, dims)


def test_the_largest_of_all_elements() -> None:
    for function in (torch.max, torch.min, torch.median):
        tape = record_whole(Apply(function), parameter(1, 3, 4))
        decision = decide(unravel(tape, ()), tape.output, 0)
        assert (decision.kind, decision.inputs) == ("maximum", 12)
        assert decision.terms[0].activation == decision.value == float(function(parameter(1, 3, 4)))
        assert decision.terms[0].share == 1


SUMS: dict[str, tuple[Any, Any]] = {
    "two": (torch.add, MAP * 2),
    "alpha": (lambda a, b: torch.add(a, b, alpha=-1.5), MAP * 2),
    "difference": (lambda a, b: torch.sub(a, b, alpha=2), MAP * 2),
    "broadcast": (torch.add, [(1, 4, 3, 3), (4, 1, 1)]),
    "number": (lambda x: x + 2.5, MAP),
    "constant": (lambda x: parameter(4, 1, 1) - x, MAP),
    "number less": (lambda x: aten.rsub(x, 2.5, 2), MAP),
    "twice": (lambda x: x + x, MAP),
}


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
@pytest.mark.parametrize("name", SUMS)
def test_sums(name: str, preset: Preset) -> None:
    for trace, output, decision in explained(*SUMS[name], preset, "sum"):
        check_coefficients(trace, output, decision)
        zeros = {value: torch.zeros_like(value.data) for value in decision.operation.activations()}  # type: ignore[union-attr, arg-type]
        constant = float(rerun(decision.operation, 0, zeros)[decision.position])  # type: ignore[arg-type]
        assert (decision.bias or 0) == pytest.approx(constant)
        assert (decision.bias is None) == (name in ("two", "alpha", "difference", "broadcast", "twice"))


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
def test_joined(preset: Preset) -> None:
    shapes = [(1, 2, 3, 3), (1, 4, 3, 3), (1, 1, 3, 3)]
    for _, _, decision in explained(lambda *tensors: torch.cat(tensors, 1), shapes, preset, "joined"):
        (term,) = decision.terms
        starts = [0, 2, 6]
        which = [value is term.value for value in decision.operation.args[0]].index(True)  # type: ignore[union-attr]
        assert term.position == (0, decision.position[1] - starts[which], *decision.position[2:])
        assert f"tensor {which + 1} of the 3" in decision.sentence
    for _, _, decision in explained(lambda *tensors: torch.stack(tensors, 2), [(2, 3)] * 3, preset, "joined"):
        assert f"tensor {decision.position[2] + 1} of the 3" in decision.sentence
        assert decision.terms[0].position == decision.position[:2]


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
def test_a_feature_and_its_gate(preset: Preset) -> None:
    shapes = [(1, 4, 3, 3), (1, 4, 1, 1)]
    for trace, output, decision in explained(lambda x, g: g.sigmoid() * x, shapes, preset, "gated"):
        feature, gate = decision.terms
        assert decision.operation is not None
        assert (gate.value, feature.value) == decision.operation.args
        assert feature.coefficient == gate.activation
        assert gate.position == (0, decision.position[1], 0, 0)
        assert (gate.share, gate.product, gate.coefficient) == (0, 0, None)
        assert feature.product == pytest.approx(decision.value)
        found = slopes(trace, decision, output)
        assert feature.coefficient == pytest.approx(float(found[feature.value][feature.position]))


def test_two_features_multiplied() -> None:
    for _, _, decision in explained(torch.mul, MAP * 2, EVIDENCE, "gated"):
        assert [term.product for term in decision.terms] == pytest.approx([decision.value / 2] * 2)
    for _, _, decision in explained(torch.mul, MAP * 2, PUBLISHED, "gated"):
        assert [term.share for term in decision.terms] == [1, 0]
        assert decision.terms[0].activation >= decision.terms[1].activation
    for _, _, decision in explained(lambda x: x * x, MAP, EVIDENCE, "gated"):
        assert (decision.inputs, decision.terms[0].product) == (1, pytest.approx(decision.value))


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
def test_scaled_by_constants(preset: Preset) -> None:
    for function in (lambda x: x * parameter(4, 1, 1), lambda x: x * -0.5, lambda x: x / parameter(6)):
        for trace, output, decision in explained(function, MAP, preset, "gated"):
            check_coefficients(trace, output, decision)
    for _, _, decision in explained(lambda x: torch.tensor(3.0) / x, MAP, preset, "gated"):
        assert decision.value == pytest.approx(3 / decision.terms[0].activation)
    for _, _, decision in explained(lambda x, y: x / y.sigmoid(), MAP * 2, preset, "gated"):
        feature, divisor = decision.terms
        assert decision.value == pytest.approx(feature.activation / divisor.activation)


def spread(channels: int) -> Tensor:
    return parameter(channels).abs() + 0.5


NORMALISED: dict[str, Any] = {
    "batch": lambda x: F.batch_norm(x, parameter(4), spread(4), parameter(4), parameter(4)),
    "batch, plain": lambda x: F.batch_norm(x, parameter(4), spread(4)),
    "batch, own statistics": lambda x: F.batch_norm(x, None, None, parameter(4), parameter(4), training=True),
    "instance": lambda x: F.instance_norm(x, weight=parameter(4), bias=parameter(4)),
    "group": lambda x: F.group_norm(x, 2, parameter(4), parameter(4)),
    "group, plain": lambda x: F.group_norm(x, 4, eps=0.1),
    "layer": lambda x: F.layer_norm(x, (7, 6), parameter(7, 6), parameter(7, 6)),
    "layer, plain": lambda x: F.layer_norm(x, (6,)),
}


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
@pytest.mark.parametrize("name", NORMALISED)
def test_normalised(name: str, preset: Preset) -> None:
    operation = "aten.native_batch_norm" if name == "instance" else None
    for trace, output, decision in explained(NORMALISED[name], MAP, preset, "scaled", operation):
        (term,) = decision.terms
        assert term.position == decision.position
        assert decision.bias is not None
        if name in ("batch", "batch, plain"):  # affine: no statistic of the picture is in it
            check_coefficients(trace, output, decision)


FUNCTIONS: dict[str, Any] = {
    "relu": F.relu,
    "silu": F.silu,
    "hardswish": F.hardswish,
    "clamp": lambda x: x.clamp(-0.5, 1),
    "softmax": lambda x: x.softmax(1),
    "minus": torch.neg,
    "power": lambda x: x**2,
    "absolute": torch.abs,
}


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name: str, preset: Preset) -> None:
    for _, _, decision in explained(FUNCTIONS[name], MAP, preset, "function"):
        (term,) = decision.terms
        assert term.position == decision.position
        assert term.coefficient is None
        assert term.product == decision.value


def test_functions_in_words() -> None:
    made = [decision for _, _, decision in explained(F.relu, MAP, EVIDENCE, "function")]
    assert {"ReLU lets" in decision.sentence for decision in made if decision.value > 0} == {True}
    for _, _, decision in explained(F.silu, MAP, EVIDENCE, "function"):
        before, after = number(decision.terms[0].activation), number(decision.value)
        assert decision.sentence.startswith(f"SiLU turns {before} into {after}")
    for _, _, decision in explained(F.relu6, MAP, EVIDENCE, "function"):
        assert decision.sentence.startswith("ReLU6 ")


MOVED: dict[str, Any] = {
    "view": lambda x: x.view(1, 2, 14, 6),
    "permuted": lambda x: x.permute(0, 3, 1, 2),
    "cut": lambda x: x[:, 1:3, ::2],
    "flipped": lambda x: x.flip(2),
    "mirrored": lambda x: F.pad(x, (1, 1, 2, 2), mode="reflect"),
    "enlarged": lambda x: F.interpolate(x, scale_factor=2, mode="nearest"),
    "shuffled": lambda x: F.pixel_shuffle(x, 2),
    "listed": lambda x: x[:, [2, 0]],
    "masked": lambda x: torch.where(parameter(7, 6) > 0, x, 0.0),
}


@pytest.mark.parametrize("preset", PRESETS[:3], ids=range(3))
@pytest.mark.parametrize("name", MOVED)
def test_moved(name: str, preset: Preset) -> None:
    for trace, output, decision in explained(MOVED[name], MAP, preset, "moved"):
        for term in decision.terms:
            assert term.activation == decision.value
            found = slopes(trace, decision, output)[term.value]
            assert found.nonzero().tolist() == [list(term.position)]
        assert decision.terms or name == "masked"


def test_padding_has_nothing_behind_it() -> None:
    """A constant border brings something to the sum, so that the walk comes by."""
    empty = 0
    for _, _, decision in explained(lambda x: F.pad(x, (2, 2, 2, 2), value=1.5), MAP, EVIDENCE, "moved"):
        place = decision.position[2] - 2, decision.position[3] - 2
        inside = 0 <= place[0] < 7 and 0 <= place[1] < 6
        assert bool(decision.terms) == inside
        if not inside:
            empty += 1
            assert (decision.value, decision.inputs) == (1.5, 0)
            assert "it does not come from the input" in decision.sentence
    assert empty


# --- contrasts, unknown operations, the input ------------------------------------------------------------------------


def test_the_input_is_where_it_ends() -> None:
    tape = record_whole(Apply(lambda x: x * 2), parameter(1, 3, 2, 2))
    trace = unravel(tape, (0, 1, 0, 1))
    decision = decide(trace, tape.inputs[0], 0)
    assert (decision.kind, decision.operation, decision.terms) == ("input", None, ())
    assert decision.value == float(parameter(1, 3, 2, 2)[0, 1, 0, 1])
    with pytest.raises(IndexError):
        decide(trace, tape.inputs[0], 1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_a_contrast_is_the_difference_of_two_layers(preset: Preset, bias: bool) -> None:
    layer = nn.Linear(9, 5, bias=bias).double().requires_grad_(False)
    x = parameter(1, 9)
    tape = record_whole(layer, x)
    trace = unravel(tape, [(0, 3), (0, 1)], preset)
    decision = decide(trace, trace.tape.output, 0)
    scores = layer(x)[0]
    assert decision.value == pytest.approx(float(scores[3] - scores[1]))
    assert decision.inputs == 9
    check_value(decision, trace.tape.output, 1e-9)
    for term in decision.terms:
        n = term.position[1]
        assert term.coefficient == pytest.approx(float(layer.weight[3, n] - layer.weight[1, n]))
    if bias:
        assert decision.bias == pytest.approx(float(layer.bias[3] - layer.bias[1]))
    else:
        assert decision.bias is None


def test_a_contrast_after_another_layer() -> None:
    tape = record_whole(Apply(lambda x: x.reshape(1, 4, 3).mean(2)), parameter(1, 12))
    trace = unravel(tape, [(0, 0), (0, 2)])
    decision = decide(trace, trace.tape.output, 0)
    assert decision.kind == "sum"
    check_value(decision, trace.tape.output, 1e-9)
    assert [term.coefficient for term in sorted(decision.terms, key=lambda t: -(t.coefficient or 0))] == [1, -1]


def test_an_operation_of_no_known_family_shows_where_evidence_went(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(explainers.EXPLAINERS._known, rules.find("aten.convolution").hop)  # type: ignore[union-attr]
    for _, _, decision in explained(*WINDOWS["plain"], EVIDENCE, "other"):
        assert {term.coefficient for term in decision.terms} <= {None}
        assert decision.inputs == len(decision.terms)
        assert decision.grid is None


def test_every_family_of_rules_is_explained() -> None:
    """A new family without an explainer is shown as "other": on purpose, or forgotten."""
    families = {rules.find(name).hop for name in rules.known()}  # type: ignore[union-attr]
    on_purpose = {
        *("added_along", "both_extremes", "deformable_convolution", "distances", "folded", "norm", "product"),
        *("roi_max_pool", "running_sum", "scattered", "smooth_maximum", "spread"),
    }
    assert {family.__name__ for family in families if family not in explainers.EXPLAINERS._known} == on_purpose


def test_a_tape_without_its_values_is_refused() -> None:
    tape = record(Apply(lambda x: F.relu(x).flatten(1) @ parameter(12, 3)), parameter(1, 3, 2, 2))
    trace = unravel(tape, (0, 1))
    value = next(operation.outputs[0] for operation in tape.operations if operation.name == "aten.relu")
    with pytest.raises(RuntimeError, match="record_whole"):
        decide(trace, value, 0)


# --- whole networks --------------------------------------------------------------------------------------------------


def check_everywhere(trace: Trace, count: int, rel: float) -> set[str]:
    """Random elements of random tensors of a walk; returns the operations that were met."""
    rng = np.random.default_rng(1)
    values = list({hop.output: None for hop in trace.hops})
    of_name: dict[str, list[Value]] = defaultdict(list)
    for value in values:
        assert value.producer is not None
        of_name[value.producer.name].append(value)
    for some in of_name.values():
        for _ in range(count):
            value = some[rng.integers(len(some))]
            decision = decide(trace, value, int(rng.integers(len(trace.selection(value)))))
            assert decision.kind != "other"
            assert decision.sentence.endswith(".")
            assert "e-" not in decision.sentence.replace("re-", "")
            check_value(decision, value, rel)
    return set(of_name)


NETWORKS = ["resnet18", "densenet121", "googlenet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "convnext_tiny"]


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str) -> None:
    torch.manual_seed(0)
    tape = record_whole(build(name), torch.randn(1, 3, 96, 96))
    for preset in (EVIDENCE, PUBLISHED):
        met = check_everywhere(unravel(tape, (0, 7), preset), 30, 1e-4)
        assert "aten.convolution" in met


@pytest.fixture(scope="module")
def cat_tape(model: cnnfix.Model, cat: cnnfix.Picture) -> Any:
    (view,) = views(cat, "whole", model.input_size, model.crop_pct, model.interpolation)
    return record_whole(model.module, model.preprocess(view.render(cat))[None])


@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)
def test_the_cat(cat_tape: Any, preset: Preset) -> None:
    trace = unravel(cat_tape, (0, 281), preset)
    check_everywhere(trace, 30, 1e-4)
    rng = np.random.default_rng(2)
    windows = [hop.output for hop in trace.hops if hop.operation.name == "aten.convolution"]
    for value in windows[:: len(windows) // 6]:
        row = int(rng.integers(len(trace.selection(value))))
        decision = decide(trace, value, row)
        check_shares(trace, value, row, decision)
        found = slopes(trace, decision, value)[decision.terms[0].value]
        for term in decision.terms:
            assert term.coefficient == pytest.approx(float(found[term.position]), rel=1e-4, abs=1e-6)
        check_grid_numbers(decision, found)


def check_grid_numbers(decision: Decision, found: Tensor) -> None:
    grid = decision.grid
    assert grid is not None
    assert grid.coefficients is not None
    plane = decision.terms[0].value.data[0, grid.channel]  # type: ignore[index]
    for cell, (row, column) in cells(decision):
        if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
            assert grid.activations[cell] == float(plane[row, column])
            assert grid.coefficients[cell] == pytest.approx(float(found[0, grid.channel, row, column]), rel=1e-4)
        else:
            assert np.isnan(grid.activations[cell])


def test_the_cat_rather_than_another(cat_tape: Any) -> None:
    trace = unravel(cat_tape, [(0, 281), (0, 282)])
    (contrast,) = (operation for operation in trace.tape.operations if operation.name == "cnnfix.rather_than")
    (value,) = contrast.outputs
    decision = decide(trace, value, 0)
    check_value(decision, value, 1e-4)
    assert "Only the evidence beyond what other classes have at this place goes on." in decision.sentence


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "position", "name"),
    [
        ((1, 192, 14, 14), (0, 83, 12, 7), "channel 83 at row 12, column 7"),
        ((1, 192, 1, 1), (0, 83, 0, 0), "channel 83"),
        ((1, 192), (0, 12), "unit 12"),
        ((192,), (12,), "unit 12"),
        ((1, 8, 30), (0, 3, 29), "channel 3 at position 29"),
        ((1, 8, 4, 5, 6), (0, 3, 1, 2, 5), "channel 3 at frame 1, row 2, column 5"),
        ((49, 8), (30, 3), "unit 3 of item 30"),
        ((), (), "the number"),
    ],
)
def test_element_names(shape: Any, position: Any, name: str) -> None:
    assert element_name(shape, position) == name


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.3149, "2.31"),
        (-0.5, "−0.500"),
        (12.34, "12.3"),
        (9.996, "10.0"),
        (999.7, "1,000"),
        (123456.0, "123,456"),
        (-3.0, "−3"),
        (0.000123456, "0.000123"),
        (3e-6, "0.0000030"),
        (1e-9, "almost 0"),
    ],
)
def test_numbers_as_people_write_them(value: float, text: str) -> None:
    assert number(value) == text


def test_a_negative_weight_turns_the_question_in_words() -> None:
    turned = straight = 0
    for _, _, decision in explained(*WINDOWS["plain"], EVIDENCE, "window"):
        first = decision.terms[0]
        if not first.share:
            continue
        says = "with a negative weight: a high input lowers this, so we now ask why it is" in decision.sentence
        assert says == (first.sign != decision.sign) == ((first.coefficient or 0) < 0)
        assert f"is {number(first.product)}" in decision.sentence
        turned, straight = turned + says, straight + (not says)
    assert turned
    assert straight


def test_the_published_walk_in_words() -> None:
    for trace, output, decision in explained(*WINDOWS["plain"], PUBLISHED, "window"):
        found = slopes(trace, decision, output)
        value = decision.terms[0].value
        sums = (found[value] * value.data)[0].sum((1, 2))  # type: ignore[operator]
        winner = int(sums.argmax())
        assert (
            f"follows channel {winner}, whose sum over the window is the largest ({number(float(sums[winner]))})"
            in (decision.sentence)
        )
        assert "takes the centre of the window" in decision.sentence
        assert decision.grid is not None
        assert (decision.grid.channel, decision.grid.winner) == (winner, (1, 1))


def test_a_centre_in_the_padding_in_words() -> None:
    lost = 0
    for _, _, decision in explained(*WINDOWS["padding"], replace(PUBLISHED, spread=True), "window"):
        centre = decision.position[2] - 1, decision.position[3] - 1
        inside = 0 <= centre[0] < 7 and 0 <= centre[1] < 6
        assert ("the centre of the window, which lies in the padding" in decision.sentence) == (not inside)
        assert any(term.share for term in decision.terms) == inside
        lost += not inside
    assert lost


def test_elements_are_named_as_the_caller_does() -> None:
    tape = record_whole(Apply(lambda x: F.max_pool2d(x, 2)), parameter(1, 1, 2, 2))
    trace = unravel(tape, (0, 0, 0, 0))
    decision = decide(trace, tape.output, 0, lambda value, position: f"pixel {position[2:]}")
    assert decision.sentence.startswith(f"Pixel {decision.terms[0].position[2:]} is chosen")
