"""The walk: targets, errors, conservation of evidence, lineage, contrasts, batches, determinism."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from cnnfix_core.engine.difference import with_difference
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.rules import Arrival, Question, registry, rule
from cnnfix_core.engine.tape import Tape
from cnnfix_core.engine.walk import Fixated, Trace, Walk, unravel
from cnnfix_core.errors import NoRuleError, NotFiniteError, NothingContributesError, TargetError
from tests.engine.asking import Apply

BOTH = pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)


class Residual(nn.Module):
    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.inside(x) + x)


class Concatenation(nn.Module):
    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.first(x), self.second(x)], 1)


def small_network(bias: bool = True) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        Residual(nn.Conv2d(6, 6, 3, padding=1)),
        nn.MaxPool2d(2),
        Concatenation(nn.Conv2d(6, 4, 1), nn.AvgPool2d(3, 1, 1)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(10, 5, bias=bias),
    ).double()


def pictures(batch: int = 1, size: int = 10) -> Tensor:
    return torch.randn(batch, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


def assert_same_fixations(one: Fixated, other: Fixated) -> None:
    assert one.index.tolist() == other.index.tolist()
    assert one.sign.tolist() == other.sign.tolist()
    assert one.evidence == pytest.approx(other.evidence, rel=1e-9)


# --- targets and errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        (0, 5), (1, 0), (0, -1), (-1, 0), (0,), (), (0, 1, 2), ((0, 1), (0, 5)), ((0, -1), (0, 1)), ((0,), (1,)),
    ],
)  # fmt: skip
def test_a_target_that_is_no_element_of_the_output(target: Any) -> None:
    with pytest.raises(TargetError, match=r"shape is \(1, 5\)"):
        unravel(record(small_network(), pictures()), target)


def test_a_contrast_of_three_elements_is_refused() -> None:
    with pytest.raises(TargetError, match="takes two elements"):
        unravel(record(small_network(), pictures(1)), ((0, 1), (0, 2), (0, 3)))


def test_a_target_may_hold_numpy_integers() -> None:
    tape = record(small_network(), pictures())
    assert_same_fixations(unravel(tape, np.array([0, 2])).fixations, unravel(tape, (0, 2)).fixations)  # type: ignore[arg-type]


def test_an_output_without_dimensions() -> None:
    trace = unravel(record(nn.Sequential(small_network(), Apply(torch.sum)), pictures()), ())
    assert len(trace.fixations) > 0


def test_an_operation_without_a_rule_is_named_with_its_module() -> None:
    module = nn.Sequential(nn.Conv2d(3, 3, 1), Apply(lambda x: torch.renorm(x, 2, 0, 1.0)), nn.ReLU()).double()
    with pytest.raises(NoRuleError, match=r"'aten\.renorm' in module '1'.*cnnfix\.rule\(\"aten\.renorm\"\)"):
        unravel(record(module, pictures()), (0, 1, 2, 2))


def test_an_operation_without_a_rule_that_the_walk_does_not_meet_does_no_harm() -> None:
    module = Apply(lambda x: torch.cat([torch.cumprod(x, 1), x * 2], 1))
    assert unravel(record(module, pictures()), (0, 4, 2, 2)).fixations.index.tolist() == [[0, 1, 2, 2]]


@BOTH
@pytest.mark.parametrize(
    ("function", "reached"),
    [
        # Row 1 of the first factor and row 2 of the second, or only that where one is followed.
        (lambda x: torch.mm(x, x.t()), {"evidence": {1, 2}, "published": {2}}),
        (lambda x: torch.mm(torch.ones(4, 3, dtype=x.dtype), x), {"evidence": {0, 1, 2}, "published": {0}}),
        (lambda x: x * x, {"evidence": {1}, "published": {1}}),
    ],
    ids=["two activations", "constant first", "elementwise"],
)
def test_a_product_whose_second_factor_is_no_constant(
    function: Callable[..., Tensor], reached: dict[str, set[int]], preset: Preset
) -> None:
    tape = record(Apply(function), torch.ones(3, 5, dtype=torch.float64))
    fixations = unravel(tape, (1, 2), preset).fixations
    assert set(fixations.index[:, 0].tolist()) == reached[preset.name]
    assert fixations.evidence.sum() == pytest.approx(1)


def test_constants_that_were_written_into_an_activation() -> None:
    """What a walk meets there came from nothing."""

    def function(x: Tensor) -> Tensor:
        z = x * 1
        z[:, 0] = 5.0
        return z.sum((2, 3)).sum(1, keepdim=True)

    x = torch.ones(1, 3, 2, 2, dtype=torch.float64)
    trace = unravel(record(Apply(function), x), (0, 0))
    assert trace.fixations.evidence.sum() == pytest.approx(2 / 7)
    assert sum(trace.left.values()) == pytest.approx(5 / 7)


@torch.library.custom_op("cnnfixtest::mirrored", mutates_args=())
def mirrored(x: Tensor) -> Tensor:
    return x.flip(-1).clone()


@contextmanager
def temporary_rules() -> Iterator[None]:
    before = dict(registry._rules)
    try:
        yield
    finally:
        registry._rules.clear()
        registry._rules.update(before)


def test_a_rule_of_ones_own() -> None:
    module, x = nn.Sequential(nn.ReLU(), Apply(mirrored)), pictures()
    with pytest.raises(NoRuleError, match=r"'cnnfixtest\.mirrored' in module '1'"):
        unravel(record(module, x), (0, 1, 2, 3))
    with temporary_rules():

        @rule("cnnfixtest.mirrored", args=(0,))
        def mirror(question: Question) -> Iterator[Arrival]:
            value, selection = question.operation.args[0], question.selection
            assert value.array().shape == value.shape
            *head, last = selection.coordinates.T
            index = np.ravel_multi_index((*head, value.shape[-1] - 1 - last), value.shape)
            yield Arrival(value, index, selection.sign, selection.evidence)

        assert unravel(record(module, x), (0, 1, 2, 3)).fixations.index.tolist() == [[0, 1, 2, 6]]
    with pytest.raises(NoRuleError):
        unravel(record(module, x), (0, 1, 2, 3))


@BOTH
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("layer", [0, 8])
def test_weights_that_are_not_finite(layer: int, value: float, preset: Preset) -> None:
    module = small_network()
    with torch.no_grad():
        module[layer].weight[:, 0] = value
    tape = record(module, pictures())
    for _ in range(2):  # a second walk must not take what the first refused
        with pytest.raises(NotFiniteError, match=r"'aten\.\w+' in module '\d"):
            unravel(tape, (0, 1), preset)


def test_an_infinite_activation_that_does_not_show_in_the_score() -> None:
    module = nn.Sequential(Apply(lambda x: x / 0), nn.Conv2d(3, 2, 1), nn.Sigmoid(), nn.Hardtanh()).double()
    nn.init.ones_(module[1].weight)
    with pytest.raises(NotFiniteError, match=r"'aten\.div' in module '0'"):
        unravel(record(module, pictures().abs()), (0, 1, 2, 2))


@BOTH
def test_a_sum_that_is_infinite_at_one_place_is_refused_only_there(preset: Preset) -> None:
    x = pictures().abs()
    divisor = torch.ones_like(x)
    divisor[..., 0, 0] = 0
    tape = record(nn.Sequential(Apply(lambda x: x + x / divisor), nn.Hardtanh()), x)
    assert unravel(tape, (0, 1, 2, 2), preset).fixations.index.tolist() == [[0, 1, 2, 2]]
    for _ in range(2):
        with pytest.raises(NotFiniteError, match=r"'aten\.div' in module '0'"):
            unravel(tape, (0, 1, 0, 0), preset)


def test_large_activations_are_finite() -> None:
    """Squares overflow, the activations do not."""
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()).double()
    assert len(unravel(record(module, pictures().abs() * 1e200), (0, 0, 2, 2)).fixations) > 0


@pytest.mark.parametrize("layer", [0, 3, 8])
def test_a_target_that_nothing_contributes_to(layer: int) -> None:
    module = small_network()
    weight = module[layer].inside.weight if layer == 3 else module[layer].weight
    bias = module[0].bias
    with torch.no_grad():
        weight.zero_()
        bias.fill_(1.0)
    tape = record(module, pictures())
    if layer == 3:  # the residual's other branch still contributes
        assert len(unravel(tape, (0, 1)).fixations) > 0
        return
    where = r"'aten\.convolution' in module '0'" if layer == 0 else r"'aten\.addmm' in module '8'"
    with pytest.raises(NothingContributesError, match=where):
        unravel(tape, (0, 1))


# --- evidence is conserved --------------------------------------------------------------------------------------------


@st.composite
def networks(draw: Any) -> nn.Module:
    torch.manual_seed(draw(st.integers(0, 10**6)))
    channels = 3
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["conv", "pad", "residual", "concat", "max", "average", "norm"]))
        if kind == "conv":
            groups = channels if draw(st.booleans()) else 1
            stride = draw(st.integers(1, 2))
            layers += [nn.Conv2d(channels, 2 * channels, 3, stride, 1, groups=groups), nn.ReLU()]
            channels *= 2
        elif kind == "pad":
            layers.append(nn.ConstantPad2d(draw(st.integers(1, 2)), draw(st.sampled_from([0.0, 2.0, -1.0]))))
        elif kind == "residual":
            layers.append(Residual(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU())))
        elif kind == "concat":
            layers.append(Concatenation(nn.Conv2d(channels, 2, 3, padding=1), nn.AvgPool2d(3, 1, 1)))
            channels += 2
        elif kind == "norm":
            layers += [nn.BatchNorm2d(channels), nn.Hardswish()]
            nn.init.normal_(layers[-2].weight)
        else:
            layers.append(nn.MaxPool2d(3, 2, 1) if kind == "max" else nn.AvgPool2d(3, 2, 1))
    head = nn.AdaptiveAvgPool2d(draw(st.sampled_from([1, 2])))
    features = channels * head.output_size**2
    return nn.Sequential(*layers, head, nn.Flatten(), nn.Linear(features, 4)).double()


all_presets = st.one_of(
    st.just(PUBLISHED),
    st.builds(
        lambda location, signed: replace(PUBLISHED, location=location, signed=signed),
        st.sampled_from(["centre", "product", "activation"]),
        st.booleans(),
    ),
    st.builds(
        lambda fan_out, beam, signed: replace(EVIDENCE, fan_out=fan_out, beam=beam, signed=signed),
        st.integers(1, 5),
        st.sampled_from([1, 4, 30, None]),
        st.booleans(),
    ),
)


def walk(module: nn.Module, x: Tensor, target: tuple[int, ...], preset: Preset) -> Trace | None:
    """The trace; None where nothing of the input contributes."""
    try:
        return unravel(record(module, x), target, preset)
    except NothingContributesError:
        return None


@settings(max_examples=80)
@given(module=networks(), preset=all_presets, target=st.integers(0, 3), batch=st.integers(1, 2))
def test_what_arrived_and_what_left_add_up(module: nn.Module, preset: Preset, target: int, batch: int) -> None:
    trace = walk(module, pictures(batch), (batch - 1, target), preset)
    if trace is None:
        return
    fixations = trace.fixations
    assert fixations.evidence.sum() + sum(trace.left.values()) == pytest.approx(1, rel=1e-9)
    assert set(trace.left) == {"padding", "bias"}
    assert (fixations.evidence > 0).all()
    assert set(fixations.sign.tolist()) <= ({1, -1} if preset.signed else {1})
    assert (fixations.index[:, 0] == batch - 1).all()
    for hop in trace.hops:
        selection = trace.selection(hop.input)
        assert preset.beam is None or len(selection) <= preset.beam
        assert selection.total <= 1 + 1e-9
        keys = list(zip(selection.index.tolist(), selection.sign.tolist(), strict=True))
        assert keys == sorted(set(keys))


@settings(max_examples=80)
@given(module=networks(), preset=all_presets, target=st.integers(0, 3))
def test_lineage(module: nn.Module, preset: Preset, target: int) -> None:
    """An element's evidence is what came over its edges; without a beam all of it is handed on."""
    trace = walk(module, pictures(), (0, target), preset)
    if trace is None:
        return
    incoming: dict[Any, Any] = defaultdict(float)
    outgoing: dict[Any, Any] = defaultdict(float)
    for hop in trace.hops:
        edges = hop.edges()
        assert hop.output in hop.operation.outputs
        assert hop.input in list(hop.operation.inputs())
        assert len(edges.parent) == len(edges.child) == len(edges.evidence)
        assert (edges.evidence > 0).all()
        given_over, brought = len(trace.selection(hop.output)), len(trace.selection(hop.input))
        outgoing[hop.output] += np.bincount(edges.parent, edges.evidence, given_over)
        incoming[hop.input] += np.bincount(edges.child, edges.evidence, brought)
    for value, evidence in incoming.items():
        assert evidence == pytest.approx(trace.selection(value).evidence, rel=1e-9)
    if preset.beam is None and sum(trace.left.values()) < 1e-12:
        for value, evidence in outgoing.items():
            selection = trace.selection(value)
            assert evidence.sum() == pytest.approx(selection.total)
            # An element gives nothing, or what it has times what fell out elsewhere, the same for all.
            factors = evidence[evidence > 0] / selection.evidence[evidence > 0]
            assert factors == pytest.approx(factors[0], rel=1e-9)
            assert factors[0] >= 1 - 1e-9


@BOTH
def test_hops_lead_from_the_output_to_the_input(preset: Preset) -> None:
    tape = record(small_network(), pictures())
    trace = unravel(tape, (0, 1), preset)
    reached = {tape.output}
    for hop in trace.hops:
        assert hop.output in reached
        reached.add(hop.input)
    assert tape.inputs[0] in reached
    assert trace.selection(tape.output).index.tolist() == [1]
    assert trace.tape is tape
    assert trace.preset is preset


def test_a_value_that_the_walk_did_not_come_by_is_empty() -> None:
    tape = record(Apply(lambda x: torch.cat([x * 2, F.relu(x)], 1)), pictures())
    unseen = next(operation for operation in tape.operations if operation.name == "aten.relu").outputs[0]
    assert len(unravel(tape, (0, 0, 1, 1)).selection(unseen)) == 0


def test_evidence_that_leaves_through_padding_is_reported() -> None:
    """The published walk takes the centre of a window; here that of the corner lies in the padding."""
    module = nn.Sequential(nn.Conv2d(1, 1, 1, padding=1, bias=False), nn.Flatten(), nn.Linear(9, 1)).double()
    nn.init.ones_(module[0].weight), nn.init.ones_(module[2].weight)
    padded = nn.Sequential(nn.ConstantPad2d(1, 3.0), nn.Flatten(), nn.Linear(9, 1)).double()
    nn.init.ones_(padded[2].weight)
    x = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    # Eight of the nine summands are 3, which the padding put there, one is the input's 1.
    trace = unravel(record(padded, x), (0, 0))
    assert trace.left == pytest.approx({"padding": 24 / 25, "bias": 0})
    assert trace.fixations.evidence == pytest.approx([1 / 25])
    # Zeros of a convolution's own padding contribute nothing.
    trace = unravel(record(module, x), (0, 0))
    assert trace.left == pytest.approx({"padding": 0, "bias": 0})


def test_an_element_that_only_its_bias_explains_falls_out() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(2, 1)).double()
    with torch.no_grad():
        module[0].weight[:, 0, 0, 0] = torch.tensor([1.0, 0.0])
        module[0].bias.copy_(torch.tensor([0.0, 4.0]))
        module[2].weight.fill_(1)
    trace = unravel(record(module, torch.ones(1, 1, 1, 1, dtype=torch.float64)), (0, 0))
    assert trace.left == pytest.approx({"padding": 0, "bias": 0})
    assert trace.fixations.evidence == pytest.approx([1])
    assert trace.hops[-1].edges().parent.tolist() == [0]


def test_a_branch_that_only_its_biases_explain_is_reported() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.alive, self.dead = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.alive(x) + self.dead(x)

    module = Branches().double()
    with torch.no_grad():
        module.alive.weight.fill_(1)
        module.alive.bias.zero_()
        module.dead.weight.zero_()
        module.dead.bias.fill_(3)
    trace = unravel(record(module, torch.ones(1, 1, 1, 1, dtype=torch.float64)), (0, 0, 0, 0))
    assert trace.left == pytest.approx({"padding": 0, "bias": 3 / 4})
    assert trace.fixations.evidence == pytest.approx([1 / 4])


# --- contrasts --------------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("bias", [True, False])
def test_a_contrast_is_a_walk_with_the_difference_of_the_last_rows(bias: bool, preset: Preset) -> None:
    module, x = small_network(bias), pictures(2)
    difference = small_network(bias)
    with torch.no_grad():
        for parameter in difference[-1].parameters():
            parameter.copy_((parameter[3] - parameter[1]).expand_as(parameter).clone())
    expected = unravel(record(difference, x), (1, 0), preset)
    tape, start = with_difference(record(module, x), (1, 3), (1, 1))
    trace = Walk(tape, preset).from_element(start)
    assert_same_fixations(trace.fixations, expected.fixations)
    assert trace.left == pytest.approx(expected.left)


def test_a_contrast_leaves_the_tape_as_it_was() -> None:
    tape = record(small_network(), pictures())
    before = unravel(tape, (0, 2)).fixations
    operations = tape.operations
    unravel(tape, ((0, 1), (0, 2)))
    assert tape.operations is operations
    assert_same_fixations(unravel(tape, (0, 2)).fixations, before)


def test_a_contrast_after_another_layer_is_a_difference_of_scores() -> None:
    fully = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Conv2d(6, 4, 3)).double()
    a, b = (0, 3, 2, 2), (0, 1, 4, 0)
    tape = record(fully, pictures())
    if tape.output_tensor[a] < tape.output_tensor[b]:
        a, b = b, a
    trace = unravel(tape, (a, b))
    expected = unravel(record(nn.Sequential(fully, Apply(lambda y: (y[a] - y[b])[None])), pictures()), (0,))
    assert_same_fixations(trace.fixations, expected.fixations)


@pytest.mark.parametrize("end", ["linear", "linear without bias", "activation"])
def test_a_contrast_with_itself(end: str) -> None:
    module = small_network(bias=end != "linear without bias")
    if end == "activation":
        module.append(nn.Sigmoid())
    tape = record(module, pictures())
    with pytest.raises((NothingContributesError, TargetError)) as caught:
        unravel(tape, ((0, 1), (0, 1)))
    assert str(caught.value).strip().endswith(".")


def test_a_contrast_of_products_of_two_activations() -> None:
    """There is no constant matrix whose columns could be subtracted."""
    x = pictures()[0, 0]
    trace = unravel(record(Apply(lambda x: torch.mm(x, x.t())), x), ((1, 1), (1, 2)))
    expected = unravel(record(Apply(lambda x: torch.mm(x, x.t())[1, 1] - torch.mm(x, x.t())[1, 2]), x), ())
    assert_same_fixations(trace.fixations, expected.fixations)


def test_a_contrast_in_the_first_tensor_of_a_dictionary() -> None:
    module = small_network()
    packed = nn.Sequential(module, Apply(lambda y: {"classes": 5, "out": y, "aux": F.relu(y)}))
    trace = unravel(record(packed, pictures()), ((0, 1), (0, 3)))
    expected = unravel(record(module, pictures()), ((0, 1), (0, 3)))
    assert_same_fixations(trace.fixations, expected.fixations)


def test_a_contrast_in_the_first_tensor_of_a_dictionary_after_another_layer() -> None:
    module = nn.Sequential(small_network(), nn.Softplus())
    packed = nn.Sequential(module, Apply(lambda y: {"classes": 5, "out": y, "aux": F.relu(y)}))
    trace = unravel(record(packed, pictures()), ((0, 1), (0, 3)))
    expected = unravel(record(module, pictures()), ((0, 1), (0, 3)))
    assert_same_fixations(trace.fixations, expected.fixations)


# --- targets that are computed ----------------------------------------------------------------------------------------


def segmenting() -> nn.Module:
    """Returns a map of four classes under a name, as segmentation networks do, and another output."""
    torch.manual_seed(6)
    body = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 4, 1)).double()
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5)).double()
    return Apply(lambda x: {"scores": head(x), "out": F.interpolate(body(x), scale_factor=2.0, mode="bilinear")})


@BOTH
def test_a_function_that_picks_an_element_is_that_target(preset: Preset) -> None:
    tape = record(small_network(), pictures(2))
    for target in ((0, 1), (1, 3)):
        picked = unravel(tape, lambda result: result[target], preset)  # noqa: B023
        assert_same_fixations(picked.fixations, unravel(tape, target, preset).fixations)


@BOTH
def test_the_sum_over_a_region_of_one_class_in_a_dictionary(preset: Preset) -> None:
    region = torch.zeros(20, 20, dtype=torch.bool)
    region[3:9, 4:7] = region[15, 12] = True
    target = lambda result: result["out"][0, 2][region].sum()  # noqa: E731
    tape = record(segmenting(), pictures())
    trace = unravel(tape, target, preset)
    whole = record(nn.Sequential(segmenting(), Apply(target)), pictures())
    assert_same_fixations(trace.fixations, unravel(whole, (), preset).fixations)
    assert len(trace.fixations) > 0
    # The region's own rows and columns of a map that is enlarged twice, with a place more on each side for the window
    # of the convolution and one for the interpolation.
    assert trace.fixations.index[:, 2:].max(axis=0).tolist() <= [9, 8]


def test_a_function_may_compute_anything_that_has_rules() -> None:
    tape = record(small_network(), pictures())
    a, b = (int(n) for n in tape.output_tensor[0].topk(2)[1])
    difference = unravel(tape, lambda y: y[0, a] - y[0, b])
    assert len(difference.fixations) > 0
    others = [n for n in range(5) if n != a]
    against_all = unravel(tape, lambda y: (y[0, a] - y[0, others]).sum())
    assert against_all.fixations.evidence.sum() + sum(against_all.left.values()) == pytest.approx(1)
    probability = unravel(tape, lambda y: y.softmax(1)[0, a])
    assert_same_fixations(probability.fixations, unravel(tape, (0, a)).fixations)
    logarithm = unravel(tape, lambda y: y.log_softmax(1)[0, a])
    assert_same_fixations(logarithm.fixations, unravel(tape, (0, a)).fixations)


def test_the_number_may_be_in_any_shape_and_comes_back_with_the_trace() -> None:
    tape = record(small_network(), pictures())
    trace = unravel(tape, lambda y: y[:, 2:3])
    assert trace.tape.result.shape == (1, 1)
    assert trace.tape.output_tensor.item() == tape.output_tensor[0, 2].item()
    assert trace.tape.inputs is tape.inputs
    assert_same_fixations(trace.fixations, unravel(tape, (0, 2)).fixations)


def test_a_function_leaves_the_tape_as_it_was() -> None:
    tape = record(segmenting(), pictures())
    operations, outputs, result = tape.operations, tape.outputs, tape.result
    before = unravel(tape, (0, 2)).fixations
    unravel(tape, lambda result: result["out"].sum())
    assert tape.operations is operations
    assert tape.outputs is outputs
    assert tape.result is result
    assert_same_fixations(unravel(tape, (0, 2)).fixations, before)


def test_a_function_of_two_outputs_walks_both() -> None:
    module = Apply(lambda a, b: {"first": a * 2, "second": b * 3})
    x = torch.ones(1, 2, dtype=torch.float64)
    trace = unravel(record(module, x, x), lambda result: result["first"][0, 0] + result["second"][0, 1])
    assert trace.fixations.index.tolist() == [[0, 0]]
    assert trace.fixations_of(1).index.tolist() == [[0, 1]]
    assert trace.fixations.evidence == pytest.approx([2 / 5])
    assert trace.fixations_of(1).evidence == pytest.approx([3 / 5])


def fails(result: Any) -> Tensor:
    return result["nothing of that name"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (fails, "failed: KeyError: 'nothing of that name'"),
        (lambda result: result["out"], r"returned a tensor of shape \(1, 4, 20, 20\)"),
        (lambda result: result["scores"][:0], r"returned a tensor of shape \(0, 5\)"),
        (lambda result: torch.ones(()), "depends on the input"),
        (lambda result: result["scores"][0, 1].item(), "depends on the input"),
        (lambda result: None, "depends on the input"),
        (lambda result: (torch.ones(()), result["scores"][0, 1]), "depends on the input"),
    ],
    ids=["raises", "several numbers", "no number", "constant", "a Python number", "nothing", "a constant first"],
)
def test_a_function_that_gives_no_target(target: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(TargetError, match=message):
        unravel(record(segmenting(), pictures()), target)


def test_a_first_tensor_that_does_not_depend_on_the_input() -> None:
    """Boxes of anchors, say: positions are refused, a function is not."""
    tape = record(Apply(lambda x: {"anchors": torch.ones(1, 3), "scores": x * 2}), torch.ones(1, 3))
    for target in ((0, 1), ((0, 1), (0, 2))):
        with pytest.raises(TargetError, match="pass a function"):
            unravel(tape, target)
    assert unravel(tape, lambda result: result["scores"][0, 1]).fixations.index.tolist() == [[0, 1]]


# --- batches and determinism ------------------------------------------------------------------------------------------


def with_own_filters(x: Tensor) -> Tensor:
    """Each picture convolved with filters computed from it (Yang et al.: CondConv, NeurIPS 2019, section 3)."""
    filters = torch.ones(len(x) * 10, 1, 3, 3, dtype=x.dtype) * x.mean((2, 3)).reshape(-1, 1, 1, 1)
    return F.conv2d(x.reshape(1, -1, *x.shape[2:]), filters, padding=1, groups=len(filters)).view_as(x)


@BOTH
@pytest.mark.parametrize("head", ["pooled", "map", "rows", "instances", "own filters"])
def test_a_picture_in_a_batch_walks_as_on_its_own(head: str, preset: Preset) -> None:
    torch.manual_seed(4)
    heads: dict[str, list[nn.Module]] = {
        "pooled": [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 5)],
        "map": [nn.Flatten(), nn.Linear(250, 8), nn.ReLU(), nn.Linear(8, 5)],
        "rows": [Apply(lambda x: x.permute(0, 2, 3, 1)), nn.Linear(10, 5), nn.GELU(), Apply(lambda x: x.mean((1, 2)))],
        "instances": [nn.InstanceNorm2d(10, affine=True), nn.ReLU(), nn.Flatten(), nn.Linear(250, 5)],
        "own filters": [Apply(with_own_filters), nn.ReLU(), nn.Flatten(), nn.Linear(250, 5)],
    }
    module, x = nn.Sequential(*small_network()[:6], *heads[head]).double(), pictures(3)
    tape = record(module, x)
    for item in range(3):
        best = int(tape.output_tensor[item].argmax())
        trace = unravel(tape, (item, best), preset)
        alone = unravel(record(module, x[item : item + 1]), (0, best), preset)
        assert (trace.fixations.index[:, 0] == item).all()
        assert trace.fixations.index[:, 1:].tolist() == alone.fixations.index[:, 1:].tolist()
        assert trace.fixations.sign.tolist() == alone.fixations.sign.tolist()
        assert trace.fixations.evidence == pytest.approx(alone.fixations.evidence, rel=1e-9)
        assert trace.left == pytest.approx(alone.left, abs=1e-12)


def outcome(tape: Tape, preset: Preset) -> list[Any]:
    trace = unravel(tape, (0, 1), preset)
    edges = [[part.tolist() for part in hop.edges()] for hop in trace.hops]
    fixations = trace.fixations
    return [fixations.index.tolist(), fixations.sign.tolist(), fixations.evidence.tolist(), trace.left, edges]


@BOTH
def test_the_same_walk_twice_and_on_several_threads(preset: Preset) -> None:
    module, x = small_network(), pictures(size=16)
    tape = record(module, x)
    first = outcome(tape, preset)
    assert outcome(tape, preset) == first
    assert outcome(record(module, x), preset) == first
    fresh = record(module, x)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: outcome(fresh, preset), range(8)):
            assert found == first
