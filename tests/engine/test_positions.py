"""Where elements of a view lie in memory, also of tensors larger than a machine could hold."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from cnnfix_core.engine.positions import in_memory


@pytest.mark.parametrize(
    "shape", [(7,), (3, 1), (1, 3, 49, 10), (97, 1009, 3137, 3), (2**20 + 7, 3, 2**20 - 3)], ids=str
)
def test_positions_in_memory(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    steps = tuple(int(step) for step in rng.permutation(len(shape)) + 2)
    starts = rng.integers(0, prod(shape), 200) // shape[-1] * shape[-1]  # of rows, where quotients change
    index = np.unique(np.concatenate([starts - 1, starts, starts + 1]).clip(0, prod(shape) - 1))
    expected = sum(place * step for place, step in zip(np.unravel_index(index, shape), steps, strict=True)) + 5
    assert in_memory(index, shape, steps, 5).tolist() == expected.tolist()
