"""Films of walks against plain versions: dictionaries, one element at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.backtrack.path import Path, Step, path_of
from cnnfix_core.backtrack.playback.playback import Cloud, Playback, overlap, playback, spread
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record_whole
from cnnfix_core.engine.tape import Value
from cnnfix_core.engine.walk import Trace, unravel, unravel_again
from cnnfix_core.images import views
from cnnfix_core.receptive_fields.field import Field, fields

Place = tuple[int, ...]
Element = tuple[Value, int]

# --- the plain version ------------------------------------------------------------------------------------------------


class Plain:
    """A walk's points, one element at a time. An element is a value and a row of its selection."""

    def __init__(self, trace: Trace, path: Path, where: Mapping[Value, Field]) -> None:
        self.trace, self.path, self.where = trace, path, where

    @cached_property
    def came(self) -> dict[Element, dict[tuple[int, Element], float]]:
        """For each element what it got over which hop from which parent."""
        came: dict[Element, dict[tuple[int, Element], float]] = defaultdict(lambda: defaultdict(float))
        for number, hop in enumerate(self.trace.hops):
            for parent, child, evidence in zip(*hop.edges(), strict=True):
                came[hop.input, int(child)][number, (hop.output, int(parent))] += float(evidence)
        return came

    def step_above(self, element: Element) -> Element | None:
        """The closest element of a step on the way up by the strongest parents."""
        while element in self.came:
            gave = self.came[element]
            best = max(gave.values())
            _, element = min(
                (key for key, evidence in gave.items() if evidence == best), key=lambda key: (key[0], key[1][1])
            )
            if self.path.step_of(element[0]):
                return element
        return None

    def place(self, element: Element) -> Place:
        value, row = element
        index = int(self.trace.selection(value).index[row])
        field = self.where.get(value)
        if field is None:
            return (index,)
        return tuple(index // axis.divisor % axis.count for axis in (field.rows, field.columns))

    def elements(self, value: Value) -> dict[Place, list[Element]]:
        at: dict[Place, list[Element]] = defaultdict(list)
        for row in range(len(self.trace.selection(value))):
            at[self.place((value, row))].append((value, row))
        return at

    def evidence(self, element: Element) -> float:
        value, row = element
        return float(self.trace.selection(value).evidence[row])

    @cached_property
    def mean_pixels(self) -> dict[Element, tuple[float, float]]:
        """The mean x and y of the pixels that elements led to, as parts of the picture; those that led to none lack."""
        picture = self.trace.tape.inputs[0]
        height, width = picture.shape[-2:]
        means: dict[Element, tuple[float, float]] = {}
        for row, index in enumerate(self.trace.selection(picture).index.tolist()):
            means[picture, row] = (index % width + 0.5) / width, (index // width % height + 0.5) / height
        for hops in reversed(self._by_output()):
            sums: dict[Element, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
            for hop in hops:
                for parent, child, evidence in zip(*hop.edges(), strict=True):
                    if (hop.input, int(child)) in means:
                        x, y = means[hop.input, int(child)]
                        for at, number in enumerate((evidence, evidence * x, evidence * y)):
                            sums[hop.output, int(parent)][at] += float(number)
            means.update({element: (x / all_, y / all_) for element, (all_, x, y) in sums.items()})
        return means

    def _by_output(self) -> list[list[cnnfix.Hop]]:
        """Hops in groups of one output, in the order in which the outputs were made last first."""
        groups: dict[Value, list[cnnfix.Hop]] = defaultdict(list)
        for hop in self.trace.hops:
            groups[hop.output].append(hop)
        order = {value: -op.index for op in self.trace.tape.operations for value in op.outputs}
        return [groups[value] for value in sorted(groups, key=lambda value: order[value])]

    def looks_at(self, value: Value, place: Place, elements: list[Element]) -> tuple[float, float]:
        height, width = self.trace.tape.inputs[0].shape[-2:]
        field = self.where.get(value)
        if field:
            row, column = place
            x = (field.columns.offset + column * field.columns.stride + 0.5) / width
            y = (field.rows.offset + row * field.rows.stride + 0.5) / height
            return min(max(x, 0), 1), min(max(y, 0), 1)
        total = sum(self.evidence(element) for element in elements)
        means = [self.mean_pixels.get(element, (0.5, 0.5)) for element in elements]
        x, y = (
            sum(self.evidence(element) * mean[at] for element, mean in zip(elements, means, strict=True)) / total
            for at in (0, 1)
        )
        return x, y

    def parents(self, elements: list[Element]) -> dict[tuple[Value, Place] | None, float]:
        """Points of steps from which the elements came, with the evidence of those that did."""
        sums: dict[tuple[Value, Place] | None, float] = defaultdict(float)
        for element in elements:
            above = self.step_above(element)
            sums[above and (above[0], self.place(above))] += self.evidence(element)
        return sums


def compare(made: Playback, trace: Trace, path: Path, most: int) -> None:
    where = fields(trace.tape)
    plain = Plain(trace, path, where)
    points: list[tuple[Cloud, int]] = [(cloud, n) for cloud in made.clouds for n in range(len(cloud.evidence))]
    assert [cloud.first for cloud in made.clouds] == [points.index((cloud, 0)) for cloud in made.clouds]
    begun: set[int] = set()
    for step in path.steps:
        number = made.of_step[step.number]
        assert (number < 0) == (len(trace.selection(step.value)) == 0)
        if number < 0:
            continue
        cloud = made.clouds[number]
        elements = plain.elements(step.value)
        compare_points(cloud, plain, step, elements, most)
        if number not in begun:  # further steps of the cloud come from its first
            compare_parents(made, cloud, plain, path, elements)
        begun.add(number)
    assert begun == set(range(len(made.clouds)))


def compare_points(cloud: Cloud, plain: Plain, step: Step, elements: dict[Place, list[Element]], most: int) -> None:
    evidence = {place: sum(map(plain.evidence, there)) for place, there in elements.items()}
    places = [tuple(place) for place in cloud.place.tolist()]
    assert cloud.places == len(elements)
    assert len(places) == len(set(places)) == min(most, len(elements))
    assert cloud.evidence == pytest.approx(sorted(evidence.values(), reverse=True)[:most])
    assert cloud.evidence == pytest.approx([evidence[place] for place in places])
    assert cloud.xy == pytest.approx(
        np.array([plain.looks_at(step.value, place, elements[place]) for place in places]), abs=1e-9
    )
    of_row = {row: places.index(place) for place in places for _, row in elements[place]}
    assert cloud.row.tolist() == [of_row.get(row, -1) for row in range(len(plain.trace.selection(step.value)))]


def compare_parents(
    made: Playback, cloud: Cloud, plain: Plain, path: Path, elements: dict[Place, list[Element]]
) -> None:
    numbers = {
        (number, tuple(place)): other.first + n
        for number, other in enumerate(made.clouds)
        for n, place in enumerate(other.place.tolist())
    }
    for place, parent in zip(cloud.place.tolist(), cloud.parent.tolist(), strict=True):
        sums = plain.parents(elements[tuple(place)])
        best = max(sums.values())
        allowed = set()
        for point, evidence in sums.items():
            if evidence >= best * (1 - 1e-9):
                above = point and path.step_of(point[0])
                allowed.add(numbers.get((made.of_step[above.number], point[1]), -1) if point and above else -1)
        assert parent in allowed
        assert parent < cloud.first


# --- small networks and the bundled one -------------------------------------------------------------------------------


class Small(nn.Module):
    """Convolutions, a residual block, a concatenation, a shuffle, poolings and two fully connected layers."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        self.branch = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 6, 1))
        self.wide = nn.Conv2d(6, 6, 5, padding=2)
        self.head = nn.Sequential(nn.Linear(12, 9), nn.ReLU(), nn.Dropout(), nn.Linear(9, 4))
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.7)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(self.stem(x), 3, 2, padding=1)
        x = F.relu(x + self.branch(x))
        x = torch.cat([x, self.wide(x)], 1)
        x = x.unflatten(1, (2, 6)).transpose(1, 2).flatten(1, 2)
        return self.head(x.mean((2, 3)))


class OnPlaces(nn.Module):
    """A fully connected layer on a map, channels last in between, and a score that comes out of a view."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.stem, self.mix = nn.Conv2d(3, 5, 4, stride=4), nn.Linear(5, 5)
        self.last = nn.Linear(5 * 16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        x = x + F.gelu(self.mix(x))
        return self.last(x.permute(0, 3, 1, 2).flatten(1)).view(1, 3, 1).squeeze(2)


@pytest.mark.parametrize("most", [1, 4, 300])
@pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED, replace(EVIDENCE, beam=12)], ids=["evidence", "paper", "beam"])
@pytest.mark.parametrize("network", [Small, OnPlaces])
def test_small_networks(network: type[nn.Module], preset: Preset, most: int) -> None:
    tape = record_whole(network().eval(), torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    trace = unravel(tape, (0, int(tape.output_tensor.argmax())), preset)
    path = path_of(trace)
    compare(playback(trace, path, fields(tape), most), trace, path, most)


@pytest.fixture(scope="module")
def walked(model: cnnfix.Model, cat: cnnfix.Picture) -> Trace:
    preset = replace(EVIDENCE, beam=400)
    (view,) = views(cat, "whole", model.input_size, model.crop_pct, model.interpolation)
    tape = record_whole(model.module, model.preprocess(view.render(cat))[None])
    return unravel(tape, (0, 285), preset)


def test_the_bundled_network(walked: Trace) -> None:
    path = path_of(walked)
    made = playback(walked, path, fields(walked.tape), most=50)
    compare(made, walked, path, 50)
    assert len(made.clouds) < len(path.steps)  # after ReLU6 and normalisation everything is where it was


class Branches(nn.Module):
    """The sum of two branches, of which the published walk follows one."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.stem, self.first, self.second = (nn.Conv2d(3, 3, 3, padding=1, bias=False) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return F.relu(self.first(x)) + F.relu(self.second(x))


def test_a_path_that_another_walk_went() -> None:
    tape = record_whole(Branches(), torch.randn(1, 3, 12, 12, generator=torch.Generator().manual_seed(1)))
    both = (tape.operations[2].outputs[0].array() > 0) & (tape.operations[4].outputs[0].array() > 0)
    trace = unravel(tape, tuple(np.argwhere(both)[0].tolist()))
    published = unravel_again(trace, PUBLISHED)
    path, where = path_of(trace, published), fields(trace.tape)
    assert len(path.steps) > len(path_of(published).steps)
    made = playback(published, path, where)
    compare(made, published, path, 300)
    assert -1 in made.of_step
    same = [overlap(cloud, cloud) for cloud in made.clouds]
    assert same == pytest.approx([1.0] * len(same))


def test_what_only_changes_numbers_has_the_cloud_of_the_step_before() -> None:
    tape = record_whole(Small().eval(), torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    trace = unravel(tape, (0, int(tape.output_tensor.argmax())))
    path = path_of(trace)
    made = playback(trace, path, fields(trace.tape))
    number = {step.value: made.of_step[step.number] for step in path.steps}
    functions = [op for op in trace.tape.operations if op.name == "aten.relu"]
    assert len(functions) == 4
    for operation in functions:
        assert number[operation.outputs[0]] == number[operation.args[0]] >= 0
    convolutions = [op for op in trace.tape.operations if op.name == "aten.convolution"]
    for operation in convolutions:
        assert number[operation.outputs[0]] < number.get(operation.args[0], len(made.clouds))


def test_the_score_is_one_point_and_lines_end_there(walked: Trace) -> None:
    made = playback(walked, path_of(walked), fields(walked.tape), most=10**6)
    assert (len(made.clouds[0].evidence), made.clouds[0].parent.tolist()) == (1, [-1])
    parent = np.concatenate([cloud.parent for cloud in made.clouds])
    assert (parent[1:] >= 0).all()
    assert (parent < np.arange(len(parent))).all()
    assert [b.first - a.first for a, b in pairwise(made.clouds)] == [len(cloud.evidence) for cloud in made.clouds[:-1]]


def test_sizes_of_fields_and_cells(walked: Trace) -> None:
    path = path_of(walked)
    made = playback(walked, path, fields(walked.tape))
    assert (made.field[0], made.cell[0]) == (None, None)
    assert made.field[-1] == made.cell[-1] == (1 / 224, 1 / 224)
    for step, field, cell in zip(path.steps, made.field, made.cell, strict=True):
        assert (field is None) == (cell is None) == (step.field is None)
        if step.field and field and cell:
            assert cell == (step.field.columns.stride / 224, step.field.rows.stride / 224)
            assert field == (step.field.columns.size / 224, step.field.rows.size / 224)


def test_what_is_no_picture_lies_in_the_middle() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    for parameter in network.parameters():
        nn.init.uniform_(parameter)
    tape = record_whole(network, torch.rand(1, 6))
    trace = unravel(tape, (0, 1))
    made = playback(trace, path_of(trace), fields(tape))
    assert all((cloud.xy == 0.5).all() and cloud.place.shape[1] == 1 for cloud in made.clouds)
    assert {cloud.cell for cloud in made.clouds} == {None}


# --- numbers of clouds ------------------------------------------------------------------------------------------------


def cloud_of(place: list[Place], evidence: list[float], cell: tuple[float, float] | None = (0.1, 0.2)) -> Cloud:
    places, rows = np.array(place), np.arange(len(place))
    xy = (places[:, -2:] + 0.5) / 10 if places.shape[1] > 1 else np.repeat(places / 10, 2, axis=1)
    return Cloud(places, xy, np.array(evidence), np.full(len(place), -1), rows, 0, cell, len(place))


def test_spread_is_the_area_of_the_places_that_hold_half() -> None:
    assert spread(cloud_of([(0, 0), (1, 1), (2, 2)], [0.5, 0.3, 0.2])) == pytest.approx(0.02)
    assert spread(cloud_of([(0, 0), (1, 1), (2, 2)], [0.4, 0.3, 0.3])) == pytest.approx(0.04)
    assert spread(cloud_of([(n, 0) for n in range(10)], [0.1] * 10)) == pytest.approx(0.1)
    assert spread(cloud_of([(0, 0)], [1.0], (2.0, 2.0))) == 1.0


def test_spread_without_a_map_is_the_box_around_what_they_look_at() -> None:
    assert spread(cloud_of([(1,), (3,), (9,)], [0.3, 0.3, 0.2], None)) == pytest.approx(0.04)
    assert spread(cloud_of([(1,), (9,)], [0.9, 0.1], None)) == 0


def test_overlap_is_the_evidence_at_the_same_places() -> None:
    a = cloud_of([(0, 0), (1, 1), (2, 2)], [3.0, 2.0, 1.0])
    b = cloud_of([(2, 2), (5, 5), (0, 0)], [0.5, 0.3, 0.2])
    assert overlap(a, b) == pytest.approx(0.2 + 1 / 6) == overlap(b, a)
    assert overlap(a, cloud_of([(7, 7)], [1.0])) == 0
    assert overlap(cloud_of([(4,)], [1.0], None), cloud_of([(4,), (5,)], [0.5, 0.5], None)) == pytest.approx(0.5)


def test_part_of_a_point_on_a_line() -> None:
    cloud = replace(cloud_of([(0, 0), (1, 1)], [0.6, 0.3]), row=np.array([1, 0, -1, 0]))
    assert cloud.on_line(np.array([0.3, 0.15, 0.1, 0.0])) == pytest.approx([0.25, 1.0])
    assert cloud.on_line(np.zeros(4)).tolist() == [0, 0]
    assert cloud.on_line(np.array([0.9, 0, 0, 0])).tolist() == [0, 1]
