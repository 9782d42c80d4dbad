"""Selections: merging, pruning, and arithmetic of positions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnfix_core.arrays import bytes_of
from cnnfix_core.engine.positions import broadcast_index
from cnnfix_core.engine.selection import Selection
from tests.plain.rules import broadcast_place, places

shapes = st.lists(st.integers(1, 4), max_size=4).map(tuple)
examples = settings(max_examples=60)


@st.composite
def entries(draw: Any) -> tuple[Any, ...]:
    shape = draw(shapes)
    size = int(np.prod(shape))
    row = st.tuples(st.integers(0, size - 1), st.sampled_from([-1, 1]), st.integers(1, 5))
    rows = draw(st.lists(row, min_size=1, max_size=20))
    index, sign, evidence = (np.array(column) for column in zip(*rows, strict=True))
    return shape, index, sign.astype(np.int8), evidence.astype(np.float64)


@examples
@given(entries())
def test_merge_adds_what_meets_at_one_element_with_one_sign(given_entries: tuple[Any, ...]) -> None:
    shape, index, sign, evidence = given_entries
    merged = Selection.merge(shape, index, sign, evidence)
    expected: dict[tuple[int, int], float] = {}
    for key in zip(index.tolist(), sign.tolist(), evidence.tolist(), strict=True):
        expected[key[:2]] = expected.get(key[:2], 0) + key[2]
    keys = list(zip(merged.index.tolist(), merged.sign.tolist(), strict=True))
    assert keys == sorted(expected)
    assert dict(zip(keys, merged.evidence.tolist(), strict=True)) == expected
    assert merged.shape == shape
    assert merged.total == evidence.sum()


def test_what_fell_outside_is_left_out() -> None:
    index, sign = np.array([3, -1, 0, 3]), np.array([1, -1, -1, 1], np.int8)
    merged = Selection.merge((4,), index, sign, np.array([1.0, 2.0, 3.0, 4.0]))
    assert (merged.index.tolist(), merged.sign.tolist(), merged.evidence.tolist()) == ([0, 3], [-1, 1], [3.0, 5.0])


@examples
@given(entries(), st.integers(1, 8))
def test_the_strongest_stay_and_the_total_is_kept(given_entries: tuple[Any, ...], beam: int) -> None:
    merged = Selection.merge(*given_entries)
    kept, factor = merged.strongest(beam)
    order = sorted(range(len(merged)), key=lambda n: (-merged.evidence[n], n))[:beam]
    stayed = sorted(order)
    assert kept.index.tolist() == merged.index[stayed].tolist()
    assert kept.sign.tolist() == merged.sign[stayed].tolist()
    assert kept.total == pytest.approx(merged.total, rel=1e-12)
    scale = merged.total / merged.evidence[stayed].sum()
    assert kept.evidence == pytest.approx(merged.evidence[stayed] * scale, rel=1e-12)
    assert factor == pytest.approx(scale, rel=1e-12)


@examples
@given(entries())
def test_without_a_beam_all_stay(given_entries: tuple[Any, ...]) -> None:
    merged = Selection.merge(*given_entries)
    kept, factor = merged.strongest(None)
    assert kept is merged
    assert factor == 1


@examples
@given(entries(), st.data())
def test_the_rows_of_elements(given_entries: tuple[Any, ...], data: Any) -> None:
    merged = Selection.merge(*given_entries)
    rows = {key: row for row, key in enumerate(zip(merged.index.tolist(), merged.sign.tolist(), strict=True))}
    last = int(np.prod(merged.shape)) - 1
    wanted = data.draw(st.lists(st.tuples(st.integers(-1, last), st.sampled_from([-1, 1])), max_size=12))
    index, sign = (np.array([pair[n] for pair in wanted], kind) for n, kind in enumerate((np.int64, np.int8)))
    assert merged.rows_of(index, sign).tolist() == [rows.get(pair, -1) for pair in wanted]


@examples
@given(entries())
def test_coordinates(given_entries: tuple[Any, ...]) -> None:
    merged = Selection.merge(*given_entries)
    order = list(places(merged.shape))
    assert merged.coordinates.shape == (len(merged), len(merged.shape))
    assert merged.coordinates.dtype == np.int64
    assert [tuple(place) for place in merged.coordinates.tolist()] == [order[n] for n in merged.index]


def test_memory_that_arrays_share_counts_once_and_views_keep_all() -> None:
    whole, other = np.zeros(10), np.zeros(3, np.int8)
    assert bytes_of([whole[:2], whole[4:].reshape(2, 3), other, other]) == 83
    assert bytes_of([]) == 0


def test_empty_and_single() -> None:
    empty = Selection.empty((2, 3))
    assert len(empty) == 0
    assert empty.total == 0
    assert empty.coordinates.shape == (0, 2)
    single = Selection.single((2, 3), 4)
    assert (single.index.tolist(), single.sign.tolist(), single.evidence.tolist()) == ([4], [1], [1.0])
    assert single.coordinates.tolist() == [[1, 1]]


@examples
@given(st.data())
def test_where_broadcasting_took_elements_from(data: Any) -> None:
    to_shape = data.draw(shapes)
    from_shape = tuple(data.draw(st.sampled_from([1, size])) for size in to_shape)
    from_shape = from_shape[data.draw(st.integers(0, len(to_shape))) :]
    found = broadcast_index(np.arange(int(np.prod(to_shape))), from_shape, to_shape)
    order = list(places(from_shape))
    assert found.dtype == np.int64
    assert [order[n] for n in found] == [broadcast_place(place, from_shape) for place in places(to_shape)]
