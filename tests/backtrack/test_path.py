"""The path of a walk: every tensor once, in order, and blocks as people think of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import cnnfix_core as cnnfix
from cnnfix_core.backtrack.path import Path, path_of
from cnnfix_core.backtrack.picks import Chosen, element
from cnnfix_core.backtrack.step_texts import kind, shape
from cnnfix_core.engine.walk import Trace, unravel_again
from cnnfix_core.zoo import architectures


def walk(module: nn.Module, preset: str = "evidence", side: int = 64) -> Trace:
    torch.manual_seed(0)
    tape = cnnfix.record(module, torch.rand(1, 3, side, side))
    return cnnfix.unravel(tape, (0, int(tape.output_tensor.argmax())), preset)


def titles(path: Path) -> list[str]:
    return [block.title for block in path.blocks]


def steps_in(path: Path, title: str) -> list[str]:
    block = next(block for block in path.blocks if block.title == title)
    return [step.module for step in path.steps[block.first : block.last + 1]]


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.two(torch.relu(self.one(x)))


def residual_net() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Sequential(Residual(6), Residual(6)),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 4),
    ).eval()


def test_every_tensor_of_the_walk_is_a_step_once_in_order_or_is_passed_over() -> None:
    trace = walk(residual_net())
    path = path_of(trace)
    assert [step.number for step in path.steps] == list(range(len(path.steps)))
    assert path.steps[0].value is trace.tape.output
    assert path.steps[-1].value is trace.tape.inputs[0]
    made = [step.operation.index for step in path.steps if step.operation]
    assert made == sorted(made, reverse=True)
    stepped = {step.value for step in path.steps}
    silent = {hop.input for hop in trace.hops} - stepped
    assert {value.producer.name for value in silent if value.producer} <= {"aten.view", "aten._unsafe_view"}
    assert all(path.seen_at(value) is not None for value in silent)
    assert all(len(trace.selection(step.value)) for step in path.steps)
    for step in path.steps:
        assert path.step_of(step.value) is step


def test_blocks_and_stages_divide_the_steps() -> None:
    path = path_of(walk(residual_net()))
    assert [step.number for block in path.blocks for step in path.steps[block.first : block.last + 1]] == list(
        range(len(path.steps))
    )
    assert all(
        path.steps[n].block == b for b, block in enumerate(path.blocks) for n in range(block.first, block.last + 1)
    )
    assert [n for stage in path.stages for n in range(stage.first, stage.last + 1)] == list(range(len(path.blocks)))
    assert all(
        path.blocks[n].stage == s for s, stage in enumerate(path.stages) for n in range(stage.first, stage.last + 1)
    )
    assert [stage.size for stage in path.stages] == [(), (32, 32), (64, 64)]


def test_residual_blocks_stay_whole_and_loose_layers_come_together() -> None:
    path = path_of(walk(residual_net()))
    assert titles(path) == ["3–5", "2.1", "2.0", "0–1", "picture"]
    assert steps_in(path, "2.1") == ["2.1", "2.1.two", "2.1", "2.1.one"]


@pytest.mark.parametrize(
    ("name", "some", "count"),
    [
        ("resnet18", ["fc", "layer4.1", "layer4.0", "layer3.1", "layer1.0", "maxpool", "conv1", "picture"], 12),
        ("vgg11", ["classifier", "features.15–19", "features.0–1"], 8),
        ("squeezenet1_1", ["features.12", "features.7", "features.3"], 14),
        ("mobilenet_v3_small", ["classifier", "features.12", "features.5", "features.1", "features.0"], 16),
        ("densenet121", ["features.denseblock2.denselayer7", "features.transition1", "features.conv0"], 69),
        ("googlenet", ["inception5b", "inception3a", "conv2"], 19),
        ("shufflenet_v2_x0_5", ["stage4.3", "stage2.0", "conv5"], 21),
        ("timm/efficientnet_lite0", ["blocks.6", "blocks.5.3", "blocks.1.0", "conv_stem", "conv_head"], 20),
    ],
)
def test_blocks_of_known_networks(name: str, some: list[str], count: int) -> None:
    path = path_of(walk(architectures.build(name), side=224))
    assert set(some) <= set(titles(path))
    assert len(path.blocks) == count


def test_a_title_is_short_from_its_last_word_on() -> None:
    path = path_of(walk(architectures.build("densenet121"), side=224))
    shorts = {block.title: block.short for block in path.blocks}
    assert shorts["features.denseblock2.denselayer7"] == "denselayer7"
    assert shorts["picture"] == "picture"
    assert path_of(walk(residual_net())).blocks[1].short == "2.1"


def test_a_path_of_two_walks_has_the_tensors_of_both() -> None:
    trace = walk(residual_net())
    other = unravel_again(trace, "published")
    both = path_of(trace, other)
    assert {step.value for step in both.steps} == {s.value for t in (trace, other) for s in path_of(t).steps}
    assert other.selection(other.tape.output).index == trace.selection(trace.tape.output).index


def test_walking_again_under_the_same_preset_gives_the_same() -> None:
    trace = walk(residual_net())
    again = unravel_again(trace, trace.preset)
    for step in path_of(trace).steps:
        np.testing.assert_array_equal(trace.selection(step.value).evidence, again.selection(step.value).evidence)


def test_layers_in_words() -> None:
    path = path_of(walk(architectures.build("resnet18"), side=224))
    by_module = {step.module: (kind(step.operation), shape(step)) for step in path.steps}
    assert by_module["layer2.0.conv1"] == ("Convolution 3 × 3, stride 2", "128 × 28 × 28")
    assert by_module["layer4.1"] == ("Addition", "512 × 7 × 7")
    assert by_module["fc"] == ("Fully connected", "1,000 units")
    assert by_module["maxpool"] == ("Max pooling 3 × 3, stride 2", "64 × 56 × 56")
    assert by_module[""] == ("Picture", "3 × 224 × 224")


# --- choosing ---------------------------------------------------------------------------------------------------------

numbers = st.integers(0, 99999)


@given(numbers, st.none() | numbers, st.none() | st.tuples(numbers, numbers))
def test_what_is_chosen_is_read_as_it_is_written(step: int, channel: int | None, place: tuple[int, int] | None) -> None:
    chosen = Chosen(step, channel, place)
    assert Chosen.parse(str(chosen)) == chosen


@pytest.mark.parametrize(
    "text", ["", "1", "1.2.3", "*.1.2.3", "1.2.3.*", "1.2.*.3", "1.-2.3.4", "1.2.3.4.5", "a.b.c.d", "1.²"]
)
def test_what_is_no_choice_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of any kind
        Chosen.parse(text)


def test_rows_of_a_choice() -> None:
    trace = walk(residual_net())
    path = path_of(trace)
    step = next(step for step in path.steps if step.module == "2.0.two")
    selection = trace.selection(step.value)
    coordinates = selection.coordinates
    _, channel, row, column = coordinates[len(coordinates) // 2].tolist()
    for chosen, matches in (
        (Chosen(step.number, channel), coordinates[:, 1] == channel),
        (Chosen(step.number, None, (row, column)), (coordinates[:, 2:] == (row, column)).all(axis=1)),
        (Chosen(step.number, channel, (row, column)), (coordinates[:, 1:] == (channel, row, column)).all(axis=1)),
        (Chosen(step.number, 5, (9999, 0)), np.zeros(len(coordinates), bool)),
    ):
        np.testing.assert_array_equal(chosen.rows(selection, step), np.flatnonzero(matches))
    one = element(step, int(selection.index[3]))
    assert set(selection.index[one.rows(selection, step)]) == {selection.index[3]}
    assert one.label(step) == f"channel {coordinates[3, 1]} at row {coordinates[3, 2]}, column {coordinates[3, 3]}"


def test_units_and_colours_are_named_as_such() -> None:
    trace = walk(residual_net())
    path = path_of(trace)
    score, picture = path.steps[0], path.steps[-1]
    assert Chosen(0, 2).label(score) == "unit 2"
    assert len(Chosen(0, int(trace.selection(score.value).index[0])).rows(trace.selection(score.value), score)) == 1
    assert not len(Chosen(0, None, (0, 0)).rows(trace.selection(score.value), score))
    assert Chosen(picture.number, 1, (4, 7)).label(picture) == "green at row 4, column 7"
    assert Chosen(picture.number, None, (4, 7)).label(picture) == "all channels at row 4, column 7"
