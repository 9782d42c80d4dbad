"""The compiled loops: long forms, ties, order."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cnnfix_core.engine import kernels, sparse, window_products, windows_in_rows
from cnnfix_core.engine.rules.convolution import window_geometry
from cnnfix_core.engine.window_products import largest_products

Array = NDArray[Any]


@pytest.mark.parametrize("channels", [1, 31, 32, 33, 100, 700])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_the_largest_products_of_long_forms_with_ties(channels: int, k: int) -> None:
    rng = np.random.default_rng(channels)
    x = rng.integers(-3, 4, (2, channels, 1, 1, 5)).astype(np.float32)
    w = rng.integers(-3, 4, (6, channels, 1, 1, 1)).astype(np.float32)
    index, sign = rng.permutation(60), rng.choice(np.array([-1, 1], np.int8), 60)
    found = largest_products(x, w, window_geometry((), (), (), 1), (1, 1, 5), (index, sign), k)
    numbers = np.arange(x.size).reshape(x.shape)
    at = np.stack(np.unravel_index(index, (2, 6, 1, 1, 5)), axis=1)
    for (batch, channel, _, _, place), direction, places, values in zip(at, sign, found.at, found.product, strict=True):
        products = direction * w[channel].reshape(-1) * x[batch, :, 0, 0, place]
        order = [c for c in np.argsort(-products, kind="stable")[:k] if products[c] > 0]
        missing = k - len(order)
        assert places.tolist() == [*numbers[batch, order, 0, 0, place], *(-1,) * missing]
        assert values.tolist() == [*products[order], *(0,) * missing]


def slowly(
    x: Array, w: Array, geometry: kernels.Geometry, sizes: tuple[int, ...], output: int, sign: int
) -> list[tuple[float, int]]:
    """All positive products of one output with their places in the flattened input, largest first."""
    filters, channels = w.shape[:2]
    batch, number, *place = np.unravel_index(output, (x.shape[0], filters, *sizes))
    first = int(number) // (filters // geometry[3][1]) * channels
    found = []
    for c, *tap in np.ndindex(*w.shape[1:]):
        stride, padding, dilation = geometry[:3]
        at = tuple(int(n) for n in np.array(place) * stride - padding + np.array(tap) * dilation)
        if all(0 <= n < size for n, size in zip(at, x.shape[2:], strict=True)):
            position = (int(batch), first + c, *at)
            value = sign * w[(number, c, *tap)] * x[position]
            found += [(float(value), int(np.ravel_multi_index(position, x.shape)))] if value > 0 else []
    return sorted(found, key=lambda entry: -entry[0])


@pytest.mark.parametrize("most", [1, 4, 44])
@pytest.mark.parametrize("seed", range(24))
def test_the_largest_products_of_windows(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = (np.float32, np.float64)[seed % 2]
    groups, channels, size = int(rng.integers(1, 3)), int(rng.integers(1, most + 1)), int(rng.integers(1, 4))
    stride, padding, dilation = int(rng.integers(1, 3)), int(rng.integers(0, 2)), int(rng.integers(1, 3))
    if most == 1 and seed > 12:  # as in depthwise convolutions
        size, padding, dilation = int(rng.integers(4, 9)), 3, 1
    filters, k = groups * int(rng.integers(1, 4)), int(rng.choice([1, 3, 8, 11]))
    x = rng.integers(-3, 4, (2, groups * channels, 1, 9, 8)).astype(dtype)
    if seed % 3 == 0:  # channels last
        x = np.ascontiguousarray(x.transpose(0, 2, 3, 4, 1)).transpose(0, 4, 1, 2, 3)
    w = rng.integers(-3, 4, (filters, channels, 1, size, size)).astype(dtype)
    sizes = (1, *((side + 2 * padding - dilation * (size - 1) - 1) // stride + 1 for side in (9, 8)))
    geometry = window_geometry(*[(number,) * 2 for number in (stride, padding, dilation)], groups)
    index = np.sort(rng.choice(outputs := 2 * filters * sizes[1] * sizes[2], min(outputs, 40), replace=False))
    sign = rng.choice(np.array([-1, 1], np.int8), len(index))
    found = largest_products(x, w, geometry, sizes, (index, sign), k)
    for n, (output, direction) in enumerate(zip(index, sign, strict=True)):
        expected = slowly(x, w, geometry, sizes, int(output), int(direction))[:k]
        missing = k - len(expected)
        assert found.at[n].tolist() == [*(place for _, place in expected), *(-1,) * missing]
        assert found.product[n].tolist() == [*(value for value, _ in expected), *(0,) * missing]
        assert found.negative[n].tolist() == [*(x.reshape(-1)[at] < 0 for _, at in expected), *(False,) * missing]


@pytest.mark.parametrize("channels", [9, 70, 1200])
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_an_output_of_few_positive_products_takes_nothing_of_those_before(channels: int, taken: int) -> None:
    rng = np.random.default_rng(channels)
    x, w = rng.random((1, channels, 1, 1, 8)), rng.random((16, channels, 1, 1, 1))
    w[1::2] *= -1
    w[1::2, :taken] *= -1
    outputs = np.arange(16 * 8), np.ones(16 * 8, np.int8)
    found = largest_products(x, w, window_geometry((), (), (), 1), (1, 1, 8), outputs, 3)
    positive = (found.product > 0).sum(axis=1).reshape(8, 2, 8)
    assert (positive[:, 0] == 3).all()
    assert (positive[:, 1] == taken).all()
    assert ((found.at >= 0) == (found.product > 0)).all()


@pytest.mark.parametrize("channels", [9, 40, 70])
def test_products_that_are_not_a_number_are_left_out(channels: int) -> None:
    x, w = np.zeros((1, channels, 1, 1, 1), np.float32), np.full((2, channels, 1, 1, 1), np.inf, np.float32)
    x[0, 3], w[1] = 2, np.arange(channels)[:, None, None, None]
    outputs = np.arange(2), np.ones(2, np.int8)
    found = largest_products(x, w, window_geometry((), (), (), 1), (1, 1, 1), outputs, 2)
    assert found.at.tolist() == [[3, -1], [3, -1]]
    assert found.product.tolist() == [[np.inf, 0], [6, 0]]


@pytest.mark.parametrize("channels", [1, 3, 9, 40])
def test_a_floor_below_all_products_lets_the_negative_ones_pass(channels: int) -> None:
    x, w = np.ones((1, channels, 1, 1, 1), np.float32), np.arange(-2 * channels, 0, dtype=np.float32)
    form = x, w.reshape(2, channels, 1, 1, 1), window_geometry((), (), (), 1), (1, 1, 1)
    found = largest_products(*form, (np.arange(2), np.ones(2, np.int8)), 1, floor=-np.inf)
    assert found.at.tolist() == [[channels - 1]] * 2
    assert found.product.tolist() == [[-channels - 1], [-1]]


def test_many_threads_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((1, 64, 1, 12, 12), dtype=np.float32)
    w = rng.standard_normal((32, 64, 1, 3, 3)).astype(np.float32)
    geometry, index = window_geometry((1, 1), (1, 1), (1, 1), 1), np.arange(32 * 144)
    at = np.stack(np.unravel_index(index, (1, 32, 1, 12, 12)), axis=1)
    sign = np.ones(len(at), np.int8)

    def found() -> list[Array]:
        form = kernels.Form(x, w, geometry)
        channels = kernels.strongest_channel(form, at, sign, kernels.PRODUCT)
        return [*largest_products(x, w, geometry, (1, 12, 12), (index, sign), 3), *channels]

    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    many = found()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    for a, b in zip(many, found(), strict=True):
        assert (a == b).all()


@pytest.mark.parametrize("k", [1, 7, 99, 100])
def test_the_kth_largest(k: int) -> None:
    rng = np.random.default_rng(k)
    for values in (
        rng.random(100),
        10.0 ** rng.uniform(-300, 300, 100),
        rng.integers(1, 5, 100) / 4,
        np.full(100, 0.1),
    ):
        assert sparse.kth_largest(values, k) == np.sort(values)[-k]


def test_kernels_are_compiled_for_one_memory_layout() -> None:
    """With two, Numba 0.60 on several threads gave one of them the machine code of the other."""
    x, w, geometry = np.ones((2, 3, 1, 1, 5)), np.ones((6, 3, 1, 1, 1)), window_geometry((), (), (), 1)
    index, sign = np.arange(60), np.ones(60, np.int8)
    at = np.stack(np.unravel_index(index, (2, 6, 1, 1, 5)), axis=1)
    for layout in (np.ascontiguousarray(at), np.asfortranarray(at)):
        kernels.strongest_channel(kernels.Form(x, w, geometry), layout, sign, kernels.CENTRE)
    for numbers in (index, np.stack([index, index], axis=1)[:, 0]):
        largest_products(x, w, geometry, (1, 1, 5), (numbers, sign), 1)
    for kernel, outputs in (
        (kernels._strongest_channel, 1),
        (windows_in_rows.in_rows, 7),
        (window_products._by_block, 0),
    ):
        for signature in kernel.signatures:  # type: ignore[attr-defined]
            argument = signature[outputs]
            assert getattr(argument, "types", [argument])[0].layout == "C"


@pytest.mark.parametrize("largest", [0, 1, 2047, 2048, 1 << 40])
def test_the_order_is_a_stable_one(largest: int) -> None:
    keys = np.random.default_rng(largest).integers(0, largest + 1, 500)
    assert sparse.sorted_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()
    assert sparse.sorted_order(np.sort(keys)).tolist() == list(range(500))
    assert sparse.sorted_order(keys[:0]).tolist() == []


def test_the_prevailing_label_of_each_group() -> None:
    group, label = np.array([1, 0, 1, 0, 1, 2]), np.array([7, -1, 5, -1, 7, 3])
    assert sparse.prevailing(group, label, np.array([1.0, 1, 1.5, 1, 1, 1])).tolist() == [-1, 7, 3]
    assert sparse.prevailing(group, label, np.array([0.5, 1, 1.0, 1, 0.5, 1])).tolist() == [-1, 5, 3]  # the smallest


@pytest.mark.parametrize("seed", range(5))
def test_prevailing_labels_by_dictionaries(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group, label, weight = rng.permutation(np.arange(200) % 30), rng.integers(-3, 4, 200), rng.integers(1, 4, 200) / 4
    sums: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for of, which, how_much in zip(group.tolist(), label.tolist(), weight.tolist(), strict=True):
        sums[of][which] += how_much
    expected = [min(sums[of], key=lambda which: (-sums[of][which], which)) for of in range(30)]
    assert sparse.prevailing(group, label, weight).tolist() == expected
