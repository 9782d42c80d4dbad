"""The compiled loops: long forms, ties, order, and where their machine code is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import cnnfix_core
from cnnfix_core.engine import kernels, sparse
from cnnfix_core.engine.rules.convolution import window_geometry

SOURCE = Path(cnnfix_core.__file__).parent


@pytest.mark.parametrize("channels", [1, 31, 32, 33, 100, 700])
@pytest.mark.parametrize("k", [1, 3, 40])
def test_the_largest_products_of_long_forms_with_ties(channels: int, k: int) -> None:
    rng = np.random.default_rng(channels)
    x = rng.integers(-3, 4, (2, channels, 1, 1, 5)).astype(np.float32)
    w = rng.integers(-3, 4, (6, channels, 1, 1, 1)).astype(np.float32)
    form = kernels.Form(x, w, window_geometry((), (), (), 1))
    at = np.stack(np.unravel_index(rng.permutation(60), (2, 6, 1, 1, 5)), axis=1)
    sign = rng.choice(np.array([-1, 1], np.int8), 60)
    index, product = kernels.largest_products(form, at, sign, k)
    numbers = np.arange(x.size).reshape(x.shape)
    for (batch, channel, _, _, place), direction, found, values in zip(at, sign, index, product, strict=True):
        products = direction * w[channel].reshape(-1) * x[batch, :, 0, 0, place]
        order = [c for c in np.argsort(-products, kind="stable")[:k] if products[c] > 0]
        missing = k - len(order)
        assert found.tolist() == [*numbers[batch, order, 0, 0, place], *(-1,) * missing]
        assert values.tolist() == [*products[order], *(0,) * missing]


def test_many_threads_give_what_one_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.random((1, 64, 1, 12, 12), dtype=np.float32)
    w = rng.standard_normal((32, 64, 1, 3, 3)).astype(np.float32)
    form = kernels.Form(x, w, window_geometry((1, 1), (1, 1), (1, 1), 1))
    at = np.stack(np.unravel_index(np.arange(32 * 144), (1, 32, 1, 12, 12)), axis=1)
    sign = np.ones(len(at), np.int8)
    many = kernels.largest_products(form, at, sign, 3), kernels.strongest_channel(form, at, sign, kernels.PRODUCT)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    one = kernels.largest_products(form, at, sign, 3), kernels.strongest_channel(form, at, sign, kernels.PRODUCT)
    for found, expected in zip(many, one, strict=True):
        for a, b in zip(found, expected, strict=True):
            assert (a == b).all()


def test_kernels_are_compiled_for_one_memory_layout() -> None:
    """With two, Numba 0.60 on several threads gave one of them the machine code of the other."""
    form = kernels.Form(np.ones((2, 3, 1, 1, 5)), np.ones((6, 3, 1, 1, 1)), window_geometry((), (), (), 1))
    at = np.stack(np.unravel_index(np.arange(60), (2, 6, 1, 1, 5)), axis=1)
    sign = np.ones(60, np.int8)
    for layout in (np.ascontiguousarray(at), np.asfortranarray(at)):
        kernels.largest_products(form, layout, sign, 1)
        kernels.strongest_channel(form, layout, sign, kernels.CENTRE)
    for kernel in (kernels._largest_products, kernels._strongest_channel):
        layouts = {signature[1].types[0].layout for signature in kernel.signatures}  # type: ignore[attr-defined]
        assert layouts == {"C"}


@pytest.mark.parametrize("largest", [0, 1, 2047, 2048, 1 << 40])
def test_the_order_is_a_stable_one(largest: int) -> None:
    keys = np.random.default_rng(largest).integers(0, largest + 1, 500)
    assert sparse.sorted_order(keys).tolist() == np.argsort(keys, kind="stable").tolist()
    assert sparse.sorted_order(np.sort(keys)).tolist() == list(range(500))
    assert sparse.sorted_order(keys[:0]).tolist() == []


def _fresh_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        cwd=SOURCE.parent,
    )
    return done.stdout.strip()


SORT = "import numpy as np; from cnnfix_core.engine.sparse import sorted_order as s; s(np.array([2, 1])); "


def test_machine_code_is_kept_on_disk(tmp_path: Path) -> None:
    code = SORT + "print(sum(s.stats.cache_misses.values()))"
    assert [_fresh_process(code, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2)] == ["1", "0"]


def test_nowhere_to_keep_it_is_no_failure() -> None:
    # As in a read-only installation whose user has no cache either: Numba is left with one place, which is not there.
    code = SORT + "print(s(np.array([2, 1])).tolist())"
    assert _fresh_process(code, NUMBA_CACHE_LOCATOR_CLASSES="ZipCacheLocator") == "[1, 0]"
