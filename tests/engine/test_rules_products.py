"""Matrix products in which both factors may depend on the input, and attention, against the sums that they are."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.walk import unravel
from tests.engine.asking import Apply, Asked, Draw, ask, compare, covers, many_examples, numbers, presets, seeds, sizes
from tests.plain import rules as plain
from tests.plain import sampling as slow

BOTH = pytest.mark.parametrize("preset", [EVIDENCE, PUBLISHED], ids=lambda preset: preset.name)


def as_batches(asked: Asked, before: int, after: int) -> list[plain.Element]:
    """The elements with the dimensions that a product of matrices has: zeros in front and behind."""
    return [e._replace(place=(*[0] * before, *e.place, *[0] * after)) for e in asked.elements]


def without(steps: list[plain.Step], ndim: tuple[int, int], before: tuple[int, int]) -> list[plain.Step]:
    """The steps in the factors' own dimensions."""
    return [s._replace(place=s.place and s.place[before[s.input] :][: ndim[s.input]]) for s in steps]


@covers("aten.bmm", "aten.mm", "aten.mv", "aten.dot")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), gate=st.sampled_from([None, 0, 1]))
def test_product_of_two_activations(data: Any, rng: Any, preset: Preset, coarse: bool, gate: int | None) -> None:
    """A factor that is a softmax only weighs the other; otherwise both are followed."""
    draw: Draw = data.draw
    batch, m, k, o = (draw(sizes) for _ in range(4))
    name, shapes = draw(
        st.sampled_from([
            ("bmm", ((batch, m, k), (batch, k, o))),
            ("mm", ((m, k), (k, o))),
            ("mv", ((m, k), (k,))),
            ("dot", ((k,), (k,))),
        ])
    )  # fmt: skip
    factors = [numbers(rng, shape, coarse) for shape in shapes]
    weigh = lambda n, x: x.softmax(-1) if n == gate else x  # noqa: E731
    function = lambda a, b: getattr(torch, name)(weigh(0, a), weigh(1, b))  # noqa: E731
    asked = ask(function, factors, f"aten.{name}", preset, rng)
    a, b = (weigh(n, factor).numpy() for n, factor in enumerate(factors))
    before = {"bmm": 0, "mm": 1, "mv": 1, "dot": 2}[name]
    elements = as_batches(asked, min(before, 1) + (name == "dot"), int(name in ("mv", "dot")))
    wide = [
        a.reshape((1,) * (3 - a.ndim) + a.shape),
        b.reshape((1, *b.shape, *(1,) * (2 - b.ndim)) if b.ndim < 3 else b.shape),
    ]
    followed = [0, 1] if gate is None else [1 - gate]
    expected = slow.matrix_product(*wide, elements, asked.settings, followed)
    compare(asked, without(expected, (a.ndim, b.ndim), (3 - a.ndim, int(b.ndim < 3))))


@covers("aten.addmm", "aten.mm")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, coarse=st.booleans(), bias=st.booleans())
def test_a_constant_matrix_times_an_activation(data: Any, rng: Any, preset: Preset, coarse: bool, bias: bool) -> None:
    m, k, o = (data.draw(sizes) for _ in range(3))
    constant, x = numbers(rng, (m, k), coarse), numbers(rng, (k, o), coarse)
    offset = numbers(rng, (o,), coarse)
    function = lambda x: torch.addmm(offset, constant, x) if bias else torch.mm(constant, x)  # noqa: E731
    asked = ask(function, [x], "aten.addmm" if bias else "aten.mm", preset, rng)
    wide = constant.numpy()[None], x.numpy()[None]
    expected = slow.matrix_product(*wide, as_batches(asked, 1, 0), asked.settings, [1])
    compare(asked, [s._replace(input=0, place=s.place[1:]) for s in expected])  # type: ignore[index]


@cache
def shares_keys() -> bool:
    """Whether PyTorch has a kernel for heads that share keys; older ones take this apart into products."""
    q, k = torch.ones(1, 2, 2, 4), torch.ones(1, 1, 2, 4)
    tape = record(Apply(lambda q: F.scaled_dot_product_attention(q, k, k, enable_gqa=True)), q)
    return "aten._scaled_dot_product_flash_attention_for_cpu" in {operation.name for operation in tape.operations}


@covers("aten._scaled_dot_product_flash_attention_for_cpu")
@many_examples
@given(data=st.data(), rng=seeds, preset=presets, kind=st.sampled_from(["plain", "causal", "mask", "numbers"]))
def test_attention(data: Any, rng: Any, preset: Preset, kind: str) -> None:
    """With heads that share keys, masks of both kinds, causal, and a scale of one's own."""
    draw: Draw = data.draw
    batch, groups, queries, keys, features = (draw(st.integers(1, 3)) for _ in range(5))
    shared = draw(st.integers(1, 3 if shares_keys() else 1))
    q = numbers(rng, (batch, groups * shared, queries, features), False)
    k, v = (numbers(rng, (batch, groups, keys, features), False) for _ in "kv")
    scale = draw(st.sampled_from([None, 0.3]))
    allowed = rng.random((queries, keys)) < 0.6
    allowed[:, 0] = True
    numbers_added = numbers(rng, (queries, keys), False)
    mask = {"mask": torch.from_numpy(allowed), "numbers": numbers_added}.get(kind)
    options: Any = {"is_causal": kind == "causal", "scale": scale, "enable_gqa": shared > 1}

    def function(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, mask, **options)

    asked = ask(function, [q, k, v], "aten._scaled_dot_product_flash_attention_for_cpu", preset, rng)
    seen = {"causal": np.tri(queries, keys), "mask": allowed}.get(kind, np.ones((queries, keys)))
    added = numbers_added.numpy() if kind == "numbers" else np.where(seen, 0, -np.inf)
    factors = [factor.numpy() for factor in (q, k, v)]
    compare(asked, slow.attention(factors, asked.elements, asked.settings, scale or features**-0.5, added))


@BOTH
def test_attention_that_is_taken_apart_walks_like_the_whole(preset: Preset) -> None:
    """With values of another width PyTorch computes attention by products of matrices and a softmax."""
    rng = np.random.default_rng(11)
    q, k, v = (numbers(rng, (1, 2, 4, 3), False) for _ in "qkv")
    wide = torch.cat([v, v[..., :1]], 3)
    whole = record(Apply(lambda v: F.scaled_dot_product_attention(q, k, v)), v)
    apart = record(Apply(lambda v: F.scaled_dot_product_attention(q, k, torch.cat([v, v[..., :1]], 3))), v)
    assert "aten.bmm" in {operation.name for operation in apart.operations}
    assert wide.shape[-1] == 4
    for target in ((0, 0, 1, 2), (0, 1, 3, 0)):
        one, other = (unravel(tape, target, preset).fixations for tape in (whole, apart))
        assert one.index.tolist() == other.index.tolist()
        assert one.evidence == pytest.approx(other.evidence)


@BOTH
def test_attention_follows_the_values_alone(preset: Preset) -> None:
    rng = np.random.default_rng(12)
    q, k, v = (numbers(rng, (1, 2, 4, 3), False) for _ in "qkv")
    trace = unravel(record(Apply(F.scaled_dot_product_attention), q, k, v), (0, 1, 2, 0), preset)
    assert [len(trace.fixations_of(n)) > 0 for n in range(3)] == [False, False, True]
