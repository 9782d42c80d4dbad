"""The playback of a walk: at each step the places that hold evidence, and the places that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats, Ints
from cnnfix_core.backtrack.ancestry import Parents, strongest_parents
from cnnfix_core.backtrack.path import Path
from cnnfix_core.backtrack.playback.point_cloud import Gathered, gathered
from cnnfix_core.backtrack.playback.positions import Positions
from cnnfix_core.engine import Trace, Value
from cnnfix_core.receptive_fields import Field


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """The places of one selection, strongest first.

    place: (N, 2) rows and columns in the feature map; without a map, (N, 1) positions in the flattened tensor.
    xy: (N, 2) the centre of what each place sees, as fractions of the width and height of the network's input.
    evidence: (N,) > 0. parent: (N,) the point that most of the evidence came from, counted over all clouds of the
    playback; -1 at the score, and if that point is not drawn. row: (elements,) the point that each row of the selection
    belongs to, counted from 0 in this cloud; -1 if it is not drawn.
    first: index of the first point, counted over all clouds. cell: distance between neighbouring places, as fractions
    of the network's width and height; None without a map. places: how many there are, drawn or not.
    """

    place: Ints
    xy: Floats
    evidence: Floats
    parent: Ints
    row: NDArray[np.int32]
    first: int
    cell: tuple[float, float] | None
    places: int

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What it keeps in memory."""
        return self.place, self.xy, self.evidence, self.parent, self.row

    def on_line(self, carried: Floats) -> Floats:
        """(N,) fraction of each point's evidence that is on a line; carried: (elements,) evidence of the rows on it."""
        drawn = self.row >= 0
        sums = np.bincount(self.row[drawn], carried[drawn], len(self.evidence))
        return np.minimum(sums / self.evidence, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Playback:
    """The clouds of a walk, and the cloud of each step of the path.

    of_step: for each step the index of its cloud, -1 if it has none. Steps with equal selections share a cloud.
    field, cell: for each step the size of a receptive field, and the distance between neighbouring places, as fractions
    of the width and height of the network's input; None without a map.
    """

    clouds: tuple[Cloud, ...]
    of_step: tuple[int, ...]
    field: tuple[tuple[float, float] | None, ...]
    cell: tuple[tuple[float, float] | None, ...]

    def cloud_at(self, step: int) -> Cloud | None:
        """The cloud of a step of the path; None if the walk does not pass through it."""
        number = self.of_step[step]
        return None if number < 0 else self.clouds[number]


def playback(trace: Trace, path: Path, fields: Mapping[Value, Field], most: int = 300) -> Playback:
    """Make the playback of a walk along a path. fields: of the walk's tape. most: how many points to draw per cloud."""
    found = _Gathering(trace, path, fields)
    positions = Positions(trace, fields)
    drawn = _drawn([len(points.evidence) for points in found.points], most)
    clouds: list[Cloud] = []
    first = 0
    for value, points in zip(found.values, found.points, strict=True):
        field, place = fields.get(value), points.place[:most].copy()  # a view would keep all places in memory
        cloud = Cloud(
            place=place,
            xy=positions.at(field, place) if field else _looked_at(value, points, positions, trace)[:most].copy(),
            evidence=points.evidence[:most].copy(),
            parent=drawn[points.parent[:most]],
            row=np.where(points.point < most, points.point, -1).astype(np.int32),
            first=first,
            cell=positions.cell(field),
            places=len(points.evidence),
        )
        clouds.append(cloud)
        first += len(cloud.evidence)
    return Playback(
        tuple(clouds),
        tuple(found.cloud.get(step.value, -1) for step in path.steps),
        tuple(positions.size(step.field) for step in path.steps),
        tuple(positions.cell(step.field) for step in path.steps),
    )


def spread(cloud: Cloud) -> float:
    """Fraction of the picture covered by the strongest places that together hold half of the drawn evidence.

    A place covers its cell. Without a map, it is the area of the upright box around the centres of these points.
    """
    half = int(np.searchsorted(np.cumsum(cloud.evidence), cloud.evidence.sum() / 2)) + 1
    if cloud.cell is None:
        return float(np.prod(np.ptp(cloud.xy[:half], axis=0)))
    across, down = cloud.cell
    return min(1.0, min(half, len(cloud.evidence)) * across * down)


def overlap(a: Cloud, b: Cloud) -> float:
    """The evidence that two clouds of one step have at the same places, 0 to 1; each cloud's total counts as 1."""
    places, number = np.unique(np.concatenate([a.place, b.place]), axis=0, return_inverse=True)
    parts = [
        np.bincount(numbers, cloud.evidence / cloud.evidence.sum(), len(places))
        for cloud, numbers in zip((a, b), np.split(number.reshape(-1), [len(a.place)]), strict=True)
    ]
    return float(np.minimum(*parts).sum())


def _drawn(counts: list[int], most: int) -> Ints:
    """The new index of each point when only the strongest of each cloud are drawn; -1 for the others.

    counts: the number of points of each cloud. The result has a last element of -1, so that -1 stays -1.
    """
    is_drawn = np.concatenate([np.arange(count) < most for count in counts])
    return np.append(np.where(is_drawn, np.cumsum(is_drawn) - 1, -1), -1)


def _looked_at(value: Value, points: Gathered, positions: Positions, trace: Trace) -> Floats:
    """(N, 2) where points without a map look: the means over their elements, weighted by evidence."""
    evidence = trace.selection(value).evidence
    sums = [np.bincount(points.point, evidence * part) for part in positions.of(value).T]
    return np.column_stack(sums) / points.evidence[:, None]


class _Gathering:
    """All points of a walk's steps, collected from the score on, so that parents come before their children.

    Points are counted over all clouds. values: one per cloud. cloud: the index of each value's cloud, if it has one.
    """

    def __init__(self, trace: Trace, path: Path, fields: Mapping[Value, Field]) -> None:
        self._trace, self._path, self._fields = trace, path, fields
        self.points: list[Gathered] = []
        self.values: list[Value] = []
        self.cloud: dict[Value, int] = {}
        self._count = 0
        # For each row of a selection, the point that it belongs to, or came from if the path skips its value.
        self._numbers: dict[Value, Ints] = {}
        parents = strongest_parents(trace)
        for value in trace.values:
            self._add(value, parents.get(value) or Parents(np.empty(0, np.int64), np.empty(0, np.int64)))

    def _add(self, value: Value, parents: Parents) -> None:
        before = self._before(value, parents)
        if before in self.cloud:
            self.cloud[value], self._numbers[value] = self.cloud[before], self._numbers[before]
            return
        selection = self._trace.selection(value)
        numbers = np.full(len(selection), -1)
        for hop in np.flatnonzero(np.bincount(parents.hop)):
            came = np.flatnonzero(parents.hop == hop)
            numbers[came] = self._numbers[self._trace.hops[hop].output][parents.row[came]]
        if self._path.step_of(value):
            points = gathered(selection, self._fields.get(value), numbers)
            self.cloud[value] = len(self.points)
            self.points.append(points)
            self.values.append(value)
            numbers = self._count + points.point
            self._count += len(points.evidence)
        self._numbers[value] = numbers

    def _before(self, value: Value, parents: Parents) -> Value | None:
        """The value before, if it has the same selection and each element came from the same element there."""
        hops, rows = parents
        if not len(hops) or (hops != hops[0]).any() or (rows != np.arange(len(rows))).any():
            return None
        before = self._trace.hops[int(hops[0])].output
        a, b = self._trace.selection(before), self._trace.selection(value)
        same = all(np.array_equal(*pair) for pair in ((a.index, b.index), (a.sign, b.sign), (a.evidence, b.evidence)))
        return before if same and self._fields.get(before) == self._fields.get(value) else None
