"""Ancestry: hops asked without listing their edges, lines of chosen elements, and main lines up to the score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.ancestry import Line, line, strongest_parents
from cnnfix_core.engine import sparse
from cnnfix_core.engine.edges import Edges, Listed, Shared, Unmoved
from cnnfix_core.engine.lineage import LineageOnDemand
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record, record_whole
from cnnfix_core.engine.tape import Tape, Value
from cnnfix_core.engine.walk import Hop, Trace, unravel

Node = tuple[Value, int]


class Network(nn.Module):
    """All kinds of hops: windows, poolings, an addition, a concatenation, a value taken twice, two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.side, self.norm = nn.Conv2d(4, 3, 1), nn.BatchNorm2d(4)
        self.hidden, self.head = nn.Linear(7 * 9, 12), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.first(x)))
        x = F.max_pool2d(F.relu(self.second(x) + x), 2)
        x = torch.cat([self.side(x), F.avg_pool2d(x, 3, 1, 1)], 1)
        x = F.relu(x + x.flip(3)).flatten(1)
        return self.head(F.relu(self.hidden(x)))  # type: ignore[no-any-return]


PRESETS = [EVIDENCE, replace(EVIDENCE, beam=6), replace(EVIDENCE, beam=None, signed=False), PUBLISHED]
TARGETS = [(0, 1), ((0, 2), (0, 0))]


@cache
def walk(seed: int, number: int, target: Any, recorder: Callable[..., Tape] = record) -> Trace:
    torch.manual_seed(seed)
    module, x = Network().double().eval(), torch.randn(1, 2, 6, 6, dtype=torch.float64)
    with torch.no_grad():
        module.head.bias.add_(1)
    return unravel(recorder(module, x), target, PRESETS[number])


@pytest.fixture(params=[(number % 3, number, target) for number in range(4) for target in TARGETS], ids=str)
def trace(request: pytest.FixtureRequest) -> Trace:
    return walk(*request.param)


def test_the_walks_of_these_tests_pass_all_kinds_of_hops() -> None:
    names = {hop.operation.name for hop in walk(0, 0, TARGETS[1]).hops}
    expected = ("addmm", "relu", "convolution", "max_pool2d_with_indices", "add", "cat", "avg_pool2d")
    assert {f"aten.{name}" for name in expected} <= names
    assert {type(hop._lineage) for hop in walk(0, 0, TARGETS[0]).hops} == {LineageOnDemand, Unmoved}
    assert {type(hop._lineage) for hop in walk(0, 0, TARGETS[0], record_whole).hops} == {Listed, Shared, Unmoved}


# --- the slow, plain version: one edge at a time ----------------------------------------------------------------------


@dataclass(frozen=True)
class Edge:
    hop: int
    parent: Node
    child: Node
    evidence: float


@cache
def plain_of(trace: Trace) -> Plain:
    return Plain(trace)


class Plain:
    """All edges of a walk in dictionaries, and answers by the definitions."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.children: dict[Node, list[Edge]] = defaultdict(list)
        self.parents: dict[Node, list[Edge]] = defaultdict(list)
        for number, hop in enumerate(trace.hops):
            for parent, child, evidence in zip(*(part.tolist() for part in hop.edges()), strict=True):
                edge = Edge(number, (hop.output, parent), (hop.input, child), evidence)
                self.children[edge.parent].append(edge)
                self.parents[edge.child].append(edge)

    def evidence(self, node: Node) -> float:
        return float(self.trace.selection(node[0]).evidence[node[1]])

    def paths(self, node: Node) -> Iterator[tuple[float, Node]]:
        """Every path from the score to the node: the product of its shares, and where it begins."""
        if not self.parents[node]:
            yield 1.0, node
        for edge in self.parents[node]:
            share = edge.evidence / self.evidence(edge.parent)
            yield from ((product * share, start) for product, start in self.paths(edge.parent))

    def above(self, chosen: set[Node]) -> dict[Node, float]:
        """For each ancestor of the chosen ones what went through it to them."""
        went: dict[Node, float] = {}

        def through(node: Node) -> float:
            if node not in went:
                went[node] = self.evidence(node) if node in chosen else 0.0
                for edge in self.children[node] if node not in chosen else []:
                    went[node] += edge.evidence * through(edge.child) / self.evidence(edge.child)
            return went[node]

        for node in list(self.children):
            through(node)
        return {node: evidence for node, evidence in went.items() if evidence}

    def below(self, chosen: set[Node]) -> dict[Node, float]:
        """For each descendant of the chosen ones what came to it through them."""
        came: dict[Node, float] = {}

        def through(node: Node) -> float:
            if node not in came:
                came[node] = self.evidence(node) if node in chosen else 0.0
                for edge in self.parents[node] if node not in chosen else []:
                    came[node] += edge.evidence * through(edge.parent) / self.evidence(edge.parent)
            return came[node]

        for node in list(self.parents):
            through(node)
        return {node: evidence for node, evidence in came.items() if evidence}

    def strongest(self, node: Node) -> tuple[float, int, Node]:
        """What came over the hop, and from the parent, from which most came, and which these are."""
        given: dict[tuple[int, Node], float] = defaultdict(float)
        for edge in sorted(self.parents[node], key=lambda edge: (edge.hop, edge.parent[1])):
            given[edge.hop, edge.parent] += edge.evidence
        hop, parent = max(given, key=lambda key: given[key])  # the first of equal ones
        return given[hop, parent], hop, parent


def nodes_of(found: Line) -> dict[Node, float]:
    return {
        (value, row): evidence
        for value, carried in found.carried.items()
        for row, evidence in enumerate(carried.tolist())
        if evidence
    }


def values_of(trace: Trace) -> list[Value]:
    return list(dict.fromkeys([trace.tape.output, *(hop.input for hop in trace.hops)]))


def some_rows(trace: Trace, value: Value) -> Ints:
    """Every third row."""
    return np.arange(0, len(trace.selection(value)), 3)


def sizes(trace: Trace, hop: Hop) -> tuple[int, int]:
    return len(trace.selection(hop.output)), len(trace.selection(hop.input))


def parts(size: int) -> Floats:
    """Some of everything: nothing, all, and something between."""
    rng = np.random.default_rng(size)
    return np.where(rng.random(size) < 0.3, 0, np.where(rng.random(size) < 0.3, 1, rng.random(size)))


# --- a hop ------------------------------------------------------------------------------------------------------------


def assert_as_its_edges(hop: Any, parents: int, children: int) -> None:
    """`hop`: a Hop or a lineage."""
    parent, child, evidence = hop.edges()
    given = np.zeros((parents, children))
    np.add.at(given, (parent, child), evidence)
    from_parents, from_children = parts(parents), parts(children)
    assert hop.down(from_parents) == pytest.approx(from_parents @ given, rel=1e-12, abs=0)
    assert hop.up(from_children) == pytest.approx(given @ from_children, rel=1e-12, abs=0)
    strongest, most = hop.strongest()
    assert strongest.tolist() == np.where(given.any(axis=0), given.argmax(axis=0), -1).tolist()
    assert most == pytest.approx(given.max(axis=0), rel=1e-12, abs=0)


def test_a_hop_answers_as_its_edges_say(trace: Trace) -> None:
    for hop in trace.hops:
        assert_as_its_edges(hop, *sizes(trace, hop))


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_lineage_is_the_same_noted_at_once_or_found_later(number: int, target: Any) -> None:
    asked, noted = walk(number % 3, number, target), walk(number % 3, number, target, record_whole)
    for first, second in zip(asked.hops, noted.hops, strict=True):
        for one, other in zip(first.edges(), second.edges(), strict=True):
            assert one.dtype == other.dtype
            assert one.tolist() == other.tolist()


def test_where_nothing_moves_each_row_has_one_edge() -> None:
    evidence = np.array([0.5, 0.25, 0.125])
    rows = np.arange(3, dtype=np.int32)
    unmoved, listed = Unmoved(evidence), Listed(Edges(rows, rows, evidence), 3, 3)
    part = np.array([0.3, 0.0, 1.0])
    assert unmoved.parents == listed.parents
    for one, other in (
        *zip(unmoved.edges(), listed.edges(), strict=True),
        *zip(unmoved.strongest(), listed.strongest(), strict=True),
        (unmoved.down(part), listed.down(part)),
        (unmoved.up(part), listed.up(part)),
    ):
        assert one.dtype == other.dtype
        assert one.tolist() == other.tolist()


def test_the_children_of_a_row(trace: Trace) -> None:
    for hop in trace.hops:
        parents, _ = sizes(trace, hop)
        edges = hop.edges()
        for row in {0, parents // 2, parents - 1}:
            given: dict[int, float] = defaultdict(float)
            for child, evidence in zip(
                edges.child[edges.parent == row], edges.evidence[edges.parent == row], strict=True
            ):
                given[int(child)] += evidence
            children, evidences = hop.of(row)
            assert dict(zip(children.tolist(), evidences.tolist(), strict=True)) == pytest.approx(given, rel=1e-12)
            assert len(children) == len(given)
            assert (np.diff(evidences) <= 0).all()


def test_all_hops_into_a_value_bring_its_evidence_and_follow_each_other(trace: Trace) -> None:
    came: dict[Value, Any] = defaultdict(float)
    order = [hop.input for hop in trace.hops]
    settled = {trace.tape.output}
    for number, hop in enumerate(trace.hops):
        parents, _ = sizes(trace, hop)
        assert hop.output in settled
        came[hop.input] += hop.down(np.ones(parents))
        if order[number + 1 :][:1] != [hop.input]:
            assert hop.input not in settled
            settled.add(hop.input)
    for value, evidence in came.items():
        assert evidence == pytest.approx(trace.selection(value).evidence, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_several_edges_between_the_same_two_in_any_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    parent, child = rng.integers(0, 5, (2, 60))
    evidence = rng.integers(1, 4, 60) / 4  # exact sums, many ties
    best, most = sparse.strongest(parent.astype(np.int32), child.astype(np.int32), evidence, 7)
    table = np.zeros((5, 7))
    np.add.at(table, (parent, child), evidence)
    assert most.tolist() == table.max(axis=0).tolist()
    assert best.tolist() == np.where(table.any(axis=0), table.argmax(axis=0), -1).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("coarse", [True, False])
def test_a_dense_layer_of_several_rows_on_several_threads(dtype: type, coarse: bool) -> None:
    """With children that dropped out, outputs to which nothing contributes, and, with coarse numbers, ties."""
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal((2, 2500)), rng.standard_normal((150, 2500))
    if coarse:
        x, w = np.round(x), np.round(w)
    w[3] = 0
    at = np.stack(np.unravel_index(rng.permutation(300)[:260], (2, 150)), axis=1)
    index = np.flatnonzero(rng.random(x.size) < 0.5)
    sign, evidence = rng.choice(np.array([-1, 1], np.int8), 260), rng.integers(1, 3, 260) / 260
    shared = Shared(x.astype(dtype), w.astype(dtype), at, sign, evidence, index, np.arange(len(index)), len(index))
    assert_as_its_edges(shared, 260, len(index))
    number = np.where(rng.random(len(index)) < 0.4, -1, rng.permutation(len(index)))
    fewer = shared.scaled(0.5).renumbered(number, len(index))
    assert_as_its_edges(fewer, 260, len(index))
    products = np.maximum(sign[:, None] * w[at[:, 1]].astype(dtype) * x[at[:, 0]].astype(dtype), 0).astype(np.float64)
    total = products.sum(axis=1, keepdims=True)
    shares = evidence[:, None] * np.divide(products, total, out=np.zeros_like(products), where=total > 0)
    places = np.zeros((260, *x.shape))
    places[np.arange(260), at[:, 0]] = shares
    expected = places.reshape(260, -1)[:, index]
    listed = np.zeros(expected.shape)
    listed[shared.edges().parent, shared.edges().child] = shared.edges().evidence
    np.testing.assert_allclose(listed, expected, rtol=1e-12)
    kept = np.flatnonzero(number >= 0)
    assert fewer.down(np.ones(260))[number[kept]] == pytest.approx(0.5 * expected.sum(axis=0)[kept], rel=1e-12, abs=0)


# --- a line -----------------------------------------------------------------------------------------------------------


def test_a_line_is_all_that_led_to_the_chosen_and_all_that_came_through_them(trace: Trace) -> None:
    plain = plain_of(trace)
    for value in values_of(trace):
        rows = some_rows(trace, value)
        chosen = {(value, int(row)) for row in rows}
        expected = plain.above(chosen) | plain.below(chosen)
        found = nodes_of(line(trace, value, rows))
        assert found.keys() == expected.keys()
        assert found == pytest.approx(expected, rel=1e-9)


def test_all_of_the_chosen_evidence_comes_from_the_score(trace: Trace) -> None:
    for value in values_of(trace):
        rows = some_rows(trace, value)
        carried = line(trace, value, rows).carried
        assert carried[trace.tape.output].sum() == pytest.approx(trace.selection(value).evidence[rows].sum(), rel=1e-12)


def test_the_line_of_the_score_is_the_whole_walk(trace: Trace) -> None:
    found = line(trace, trace.tape.output, np.array([0]))
    assert set(found.carried) == set(values_of(trace))
    for value, carried in found.carried.items():
        assert carried == pytest.approx(trace.selection(value).evidence, rel=1e-9)
        assert found.part(value) == pytest.approx(np.ones(len(carried)), rel=1e-9)


def test_the_pixels_that_a_line_reaches(trace: Trace) -> None:
    """They are those to which edges lead, one after the other."""
    plain = plain_of(trace)
    picture = trace.tape.inputs[0]
    for value in values_of(trace):
        rows = some_rows(trace, value)
        reached = seen = {(value, int(row)) for row in rows}
        while reached:
            reached = {edge.child for node in reached for edge in plain.children[node]}
            seen = seen | reached
        found = line(trace, value, rows).part(picture)
        assert set(np.flatnonzero(found)) == {row for at, row in seen if at is picture}


def test_parts_are_of_each_rows_evidence(trace: Trace) -> None:
    for value in values_of(trace):
        found = line(trace, value, some_rows(trace, value))
        for other in values_of(trace):
            evidence = trace.selection(other).evidence
            carried = found.carried.get(other, np.zeros(len(evidence)))
            assert found.part(other) == pytest.approx(np.minimum(carried / evidence, 1), rel=1e-12)


def test_what_others_lost_counts_as_all_where_more_went_through_a_row_than_it_holds() -> None:
    trace = walk(1, 1, TARGETS[0])
    picture = trace.tape.inputs[0]
    found = line(trace, picture, np.arange(len(trace.fixations)))
    more = {value: carried > 1.01 * trace.selection(value).evidence for value, carried in found.carried.items()}
    assert any(rows.any() for rows in more.values())
    for value, rows in more.items():
        assert (found.part(value)[rows] == 1).all()
    assert found.carried[trace.tape.output] == pytest.approx([trace.fixations.evidence.sum()], rel=1e-12)


def test_nothing_chosen_is_a_line_of_nothing(trace: Trace) -> None:
    value = trace.hops[-1].input
    found = line(trace, value, np.empty(0, np.int64))
    assert not any(carried.any() for carried in found.carried.values())
    unseen = next(op for op in trace.tape.operations if not len(trace.selection(op.outputs[-1]))).outputs[-1]
    assert len(line(trace, unseen, np.empty(0, np.int64)).part(unseen)) == 0


# --- paths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", [replace(EVIDENCE, fan_out=2), replace(EVIDENCE, beam=3), PUBLISHED], ids=str)
def test_the_shares_of_all_paths_to_a_fixation_make_its_evidence(preset: Preset) -> None:
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Conv2d(2, 2, 2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2)
    ).double()
    trace = unravel(record(module, torch.randn(1, 1, 4, 4, dtype=torch.float64)), (0, 1), preset)
    plain, picture = plain_of(trace), trace.tape.inputs[0]
    for row in range(len(trace.fixations)):
        products, starts = zip(*plain.paths((picture, row)), strict=True)
        assert sum(products) == pytest.approx(trace.fixations.evidence[row], rel=1e-9)
        assert set(starts) == {(trace.tape.output, 0)}


def test_the_strongest_parents(trace: Trace) -> None:
    plain = plain_of(trace)
    found = strongest_parents(trace)
    assert set(found) == set(values_of(trace)) - {trace.tape.output}
    for value, parents in found.items():
        assert len(parents.hop) == len(parents.row) == len(trace.selection(value))
        for row, (hop, parent) in enumerate(zip(parents.hop, parents.row, strict=True)):
            most, *_ = plain.strongest((value, row))
            given = sum(
                edge.evidence
                for edge in plain.parents[value, row]
                if (edge.hop, edge.parent) == (hop, (trace.hops[hop].output, parent))
            )
            assert given == pytest.approx(most, rel=1e-12)


def test_of_equally_strong_hops_the_first_counts() -> None:
    """A value that is added to itself came twice, with equal evidence."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False)).double()
    nn.init.ones_(module[1].weight)  # type: ignore[arg-type]

    class Twice(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return module(x + x)  # type: ignore[no-any-return]

    trace = unravel(record(Twice(), torch.ones(1, 1, 2, 2, dtype=torch.float64)), (0, 0))
    picture = trace.tape.inputs[0]
    numbers = [number for number, hop in enumerate(trace.hops) if hop.input is picture]
    assert len(numbers) == 2
    parents = strongest_parents(trace)[picture]
    assert parents.hop.tolist() == [numbers[0]] * 4
    assert parents.row.tolist() == [0, 1, 2, 3]
