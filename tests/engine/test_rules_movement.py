"""Operations that only move elements, against where each element comes from by definition."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from cnnfix_core.engine import rules
from cnnfix_core.engine.presets import EVIDENCE, PUBLISHED, Preset
from cnnfix_core.engine.recording import record
from cnnfix_core.engine.rules import Question
from cnnfix_core.engine.selection import Selection
from cnnfix_core.engine.topology import Structure
from cnnfix_core.engine.walk import unravel
from cnnfix_core.errors import NoRuleError
from tests.engine.asking import COVERED, Apply, Draw, ask, compare, covers, few_examples, numbers, seeds, sizes
from tests.plain import movement as plain

aten = torch.ops.aten

# --- movement ---------------------------------------------------------------------------------------------------------


class Movement(NamedTuple):
    function: Callable[..., Any]
    shapes: Sequence[Sequence[int]]
    origin: plain.Origin
    slot: int = 0


def picture(draw: Draw, least: int = 1, dims: int = 4) -> list[int]:
    return [draw(st.integers(least, least + (3 if dims < 5 else 1))) for _ in range(dims)]


def booleans(draw: Draw, shape: Sequence[int]) -> torch.Tensor:
    """A mask that is true somewhere."""
    mask = torch.rand(tuple(shape), generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))) > 0.5
    mask.view(-1)[0] = True
    return mask


def places_along(draw: Draw, shape: Sequence[int], size: int) -> torch.Tensor:
    """Random places along a dimension of that size."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 99)))
    return torch.randint(size, tuple(shape), generator=generator)


def cat(draw: Draw) -> Movement:
    dim = draw(st.integers(0, 3))
    base = picture(draw)
    shapes = [[*base[:dim], draw(sizes), *base[dim + 1 :]] for _ in range(draw(st.integers(1, 3)))]
    return Movement(lambda *xs: torch.cat(xs, dim - draw(st.sampled_from([0, 4]))), shapes, plain.cat(shapes, dim))


def stack(draw: Draw) -> Movement:
    dim, shape = draw(st.integers(0, 4)), picture(draw)
    return Movement(lambda *xs: torch.stack(xs, dim), [shape] * 3, plain.stack(dim))


def constant_pad(draw: Draw) -> Movement:
    shape = picture(draw, least=3)
    pads = [draw(st.integers(-1, 2)) for _ in range(draw(st.sampled_from([2, 4])))]
    before = [0, 0, pads[2] if len(pads) > 2 else 0, pads[0]]
    fill = draw(st.sampled_from([0.0, 7.0, -1.0]))
    return Movement(lambda x: aten.constant_pad_nd(x, pads, fill), [shape], plain.pad(shape, before))


def folded_pad(mode: str, dims: int) -> Callable[[Draw], Movement]:
    def case(draw: Draw) -> Movement:
        shape = picture(draw, least=3, dims=dims + 2)
        pads = [draw(st.integers(0, 2)) for _ in range(2 * dims)]
        before = [0, 0, *pads[-2::-2]]
        return Movement(lambda x: F.pad(x, pads, mode), [shape], plain.pad_folded(shape, before, mode))

    return case


def permute(draw: Draw) -> Movement:
    order = draw(st.permutations(range(4)))
    return Movement(lambda x: x.permute(order), [picture(draw)], plain.permuted(order))


def transpose(draw: Draw) -> Movement:
    order = list(range(4))
    a, b = draw(st.integers(0, 3)), draw(st.integers(-4, -1))
    order[a], order[b] = order[b], order[a]
    return Movement(lambda x: x.transpose(a, b), [picture(draw)], plain.permuted(order))


def slice_(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    start, step = draw(st.integers(0, shape[dim] - 1)), draw(st.integers(1, 2))
    return Movement(
        lambda x: aten.slice(x, dim, start - draw(st.sampled_from([0, shape[dim]])), 99, step),
        [shape],
        plain.cut(dim, start, step),
    )


def select(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    at = draw(st.integers(0, shape[dim] - 1))
    return Movement(lambda x: x.select(dim, at), [shape], plain.taken(dim, at))


def unbind(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    at = draw(st.integers(0, shape[dim] - 1))
    return Movement(lambda x: x.unbind(dim)[at], [shape], plain.taken(dim, at), at)


def split(draw: Draw) -> Movement:
    shape, dim, part = picture(draw), draw(st.integers(0, 3)), draw(st.integers(1, 3))
    slot = draw(st.integers(0, (shape[dim] - 1) // part))
    return Movement(lambda x: x.split(part, dim)[slot], [shape], plain.cut(dim, part * slot), slot)


def unsafe_split(draw: Draw) -> Movement:
    shape, part = [2, 6], draw(st.integers(1, 6))
    slot = draw(st.integers(0, (6 - 1) // part))
    return Movement(lambda x: x.unsafe_split(part, 1)[slot], [shape], plain.cut(1, part * slot), slot)


def split_with_sizes(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    parts = draw(st.lists(sizes, min_size=1, max_size=3))
    shape[dim] = sum(parts)
    slot = draw(st.integers(0, len(parts) - 1))
    return Movement(lambda x: x.split(parts, dim)[slot], [shape], plain.cut(dim, sum(parts[:slot])), slot)


def expand(draw: Draw) -> Movement:
    full = picture(draw)
    shape = [draw(st.sampled_from([1, size])) for size in full][draw(st.integers(0, 3)) :]
    return Movement(lambda x: x.expand(full), [shape], plain.expanded(shape))


def repeat(draw: Draw) -> Movement:
    shape = picture(draw)[draw(st.integers(0, 3)) :]
    times = [draw(st.integers(1, 3)) for _ in range(4)]
    return Movement(lambda x: x.repeat(times), [shape], plain.repeated(shape))


def flip(draw: Draw) -> Movement:
    shape, dims = picture(draw), draw(st.sets(st.integers(0, 3), min_size=1))
    return Movement(lambda x: x.flip(tuple(dims)), [shape], plain.flipped(shape, tuple(dims)))


def roll(draw: Draw) -> Movement:
    shape, dim, shift = picture(draw), draw(st.integers(0, 3)), draw(st.integers(-5, 5))
    return Movement(lambda x: x.roll(shift, dim), [shape], plain.rolled(shape, shift, dim))


def copy(draw: Draw) -> Movement:
    full = picture(draw)
    shape = [draw(st.sampled_from([1, size])) for size in full]

    def origin(place: plain.Place) -> tuple[int, plain.Place]:
        return 1, plain.broadcast_place(place, shape)

    return Movement(lambda x, y: x.clone().copy_(y), [full, shape], origin)


def overwrite(draw: Draw) -> Movement:
    """Part of a tensor is written through a slice."""
    shape, dim = picture(draw, least=2), draw(st.integers(0, 3))
    start, step = draw(st.integers(1, shape[dim] - 1)), draw(st.integers(1, 2))
    part = [*shape[:dim], len(range(start, shape[dim], step)), *shape[dim + 1 :]]
    cut = plain.cut(dim, start, step)
    written = {cut(place)[1]: place for place in plain.places(part)}  # type: ignore[index]

    def function(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        z = x.clone()
        z[(slice(None),) * dim + (slice(start, None, step),)] = y
        return z

    return Movement(function, [shape, part], plain.overwritten(written))


def pixel_shuffle(draw: Draw) -> Movement:
    shape, r = picture(draw), draw(st.integers(1, 3))
    shape[1] *= r * r
    return Movement(lambda x: F.pixel_shuffle(x, r), [shape], plain.pixel_shuffled(r))


def pixel_unshuffle(draw: Draw) -> Movement:
    shape, r = picture(draw), draw(st.integers(1, 3))
    shape[2:] = [shape[2] * r, shape[3] * r]
    return Movement(lambda x: F.pixel_unshuffle(x, r), [shape], plain.pixel_unshuffled(r))


def channel_shuffle(draw: Draw) -> Movement:
    shape, groups = picture(draw), draw(st.integers(2, 3))
    shape[1] *= groups
    return Movement(lambda x: F.channel_shuffle(x, groups), [shape], plain.channels_shuffled(shape[1], groups))


def upsample(dims: int, mode: str = "nearest") -> Callable[[Draw], Movement]:
    def case(draw: Draw) -> Movement:
        shape = picture(draw, dims=dims + 2)
        out = [draw(st.integers(1, 8)) for _ in range(dims)]
        origin = plain.upsampled(shape, out, within=0.5 if mode == "nearest-exact" else 0)
        return Movement(lambda x: F.interpolate(x, size=out, mode=mode), [shape], origin)

    return case


def where(draw: Draw) -> Movement:
    full = picture(draw)
    shapes = [[draw(st.sampled_from([1, size])) for size in full] for _ in range(3)]
    mask = booleans(draw, shapes[0])
    return Movement(lambda a, b: torch.where(mask, a, b), shapes[1:], plain.where(mask.numpy(), shapes[1:]))


def index(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    numbers = draw(st.lists(st.integers(0, shape[dim] - 1), min_size=1, max_size=5))
    kind = draw(st.sampled_from(["list", "pairs", "mask"]))
    if kind == "list":
        function = lambda x: x[(slice(None),) * dim + (torch.tensor(numbers),)]  # noqa: E731
        return Movement(function, [shape], plain.listed(dim, numbers))
    if kind == "mask":
        mask = booleans(draw, shape)
        return Movement(lambda x: x[mask], [shape], plain.masked(mask.numpy()))
    first, second = [draw(st.lists(st.integers(0, size - 1), min_size=3, max_size=3)) for size in shape[:2]]
    return Movement(lambda x: x[torch.tensor(first), torch.tensor(second)], [shape], plain.paired(first, second))


def masked_select(draw: Draw) -> Movement:
    shape = picture(draw)
    mask = booleans(draw, shape)
    return Movement(lambda x: x.masked_select(mask), [shape], plain.masked(mask.numpy()))


def index_select(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    numbers = draw(st.lists(st.integers(0, shape[dim] - 1), min_size=1, max_size=5))
    return Movement(lambda x: x.index_select(dim, torch.tensor(numbers)), [shape], plain.listed(dim, numbers))


def take(draw: Draw) -> Movement:
    shape = picture(draw)
    numbers = places_along(draw, picture(draw)[:2], math.prod(shape))
    return Movement(lambda x: torch.take(x, numbers), [shape], plain.counted(shape, numbers.numpy()))


def index_put(draw: Draw) -> Movement:
    """Other numbers at pairs of places along the first two dimensions."""
    shape = picture(draw)
    pairs = draw(st.sets(st.tuples(*[st.integers(0, size - 1) for size in shape[:2]]), min_size=1, max_size=3))
    first, second = (torch.tensor(numbers) for numbers in zip(*pairs, strict=True))
    written = {(*pair, *rest): (n, *rest) for n, pair in enumerate(pairs) for rest in plain.places(shape[2:])}
    return Movement(
        lambda x, y: x.index_put((first, second), y), [shape, [len(pairs), *shape[2:]]], plain.overwritten(written)
    )


def gather(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    numbers = places_along(draw, [*shape[:dim], draw(sizes), *shape[dim + 1 :]], shape[dim])
    return Movement(lambda x: x.gather(dim, numbers), [shape], plain.gathered(dim, numbers.numpy()))


def scatter(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    # Every row in an order of its own: no place is written twice.
    order = torch.rand(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))).argsort(dim)
    numbers = order.narrow(dim, 0, draw(st.integers(1, shape[dim])))
    written = plain.scattered(dim, numbers.numpy())
    if draw(st.booleans()):
        fill = draw(st.sampled_from([0.0, 7.0, -1.0]))
        origin = plain.masked_out(lambda place: (0, place), lambda place: place in written)
        return Movement(lambda x: x.scatter(dim, numbers, fill), [shape], origin)
    return Movement(lambda x, y: x.scatter(dim, numbers, y), [shape, list(numbers.shape)], plain.overwritten(written))


def masked_fill(draw: Draw) -> Movement:
    shape = picture(draw)
    mask = booleans(draw, [draw(st.sampled_from([1, size])) for size in shape])
    if draw(st.booleans()):  # with an activation
        origin = plain.where(~mask.numpy(), [shape, []])
        return Movement(lambda x, y: x.masked_fill(mask, y), [shape, []], origin)
    fill = draw(st.sampled_from([0.0, 7.0, -1.0]))
    gone = lambda place: bool(mask.numpy()[plain.broadcast_place(place, mask.shape)])  # noqa: E731
    origin = plain.masked_out(lambda place: (0, place), gone)
    return Movement(lambda x: x.masked_fill(mask, fill), [shape], origin)


def max_unpool(draw: Draw) -> Movement:
    shape = [*picture(draw)[:2], 4, 6]
    scores = torch.rand(shape, generator=torch.Generator().manual_seed(draw(st.integers(0, 99))))
    pooled, taken = F.max_pool2d(scores, 2, return_indices=True)
    return Movement(lambda x: F.max_unpool2d(x, taken, 2), [list(pooled.shape)], plain.unpooled(taken.numpy(), 6))


def unfold(draw: Draw) -> Movement:
    shape, dim, step = picture(draw), draw(st.integers(0, 3)), draw(st.integers(1, 2))
    size = draw(st.integers(1, shape[dim]))
    return Movement(lambda x: x.unfold(dim, size, step), [shape], plain.unfolded(dim, step))


def im2col(draw: Draw) -> Movement:
    shape = picture(draw, least=3)
    kernel, stride, padding, dilation = (
        tuple(draw(st.integers(low, high)) for _ in "yx") for low, high in ((1, 2), (1, 2), (0, 1), (1, 2))
    )
    return Movement(
        lambda x: F.unfold(x, kernel, dilation, padding, stride),
        [shape],
        plain.columns(shape, kernel, stride, padding, dilation),
    )


def diagonal(draw: Draw) -> Movement:
    shape = picture(draw)
    first, second = draw(st.permutations(range(4)))[:2]
    offset = draw(st.integers(1 - shape[first], shape[second] - 1))
    return Movement(lambda x: x.diagonal(offset, first, second), [shape], plain.diagonal(offset, first, second))


def triangle(lower: bool) -> Callable[[Draw], Movement]:
    def case(draw: Draw) -> Movement:
        shape, offset = picture(draw), draw(st.integers(-2, 2))
        gone = lambda place: place[3] - place[2] > offset if lower else place[3] - place[2] < offset  # noqa: E731
        origin = plain.masked_out(lambda place: (0, place), gone)
        return Movement(lambda x: (torch.tril if lower else torch.triu)(x, offset), [shape], origin)

    return case


def slice_scatter(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    start, step = draw(st.integers(0, shape[dim] - 1)), draw(st.integers(1, 2))
    part = [*shape[:dim], len(range(start, shape[dim], step)), *shape[dim + 1 :]]
    cut = plain.cut(dim, start, step)
    written = {cut(place)[1]: place for place in plain.places(part)}  # type: ignore[index]
    return Movement(
        lambda x, y: torch.slice_scatter(x, y, dim, start, shape[dim], step), [shape, part], plain.overwritten(written)
    )


def select_scatter(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    at, part = draw(st.integers(0, shape[dim] - 1)), [*shape[:dim], *shape[dim + 1 :]]
    written = {plain.taken(dim, at)(place)[1]: place for place in plain.places(part)}  # type: ignore[index]
    return Movement(lambda x, y: torch.select_scatter(x, y, dim, at), [shape, part], plain.overwritten(written))


def as_strided(draw: Draw) -> Movement:
    """Of a contiguous tensor, and of one that lies in its memory in another order."""
    shape, offset = [3, 4, 2], draw(st.integers(0, 4))
    size, strides = [2, 3], [draw(st.integers(0, 7)), draw(st.integers(0, 6))]
    in_order = plain.strided(shape, strides, offset)
    if draw(st.booleans()):
        return Movement(lambda x: x.as_strided(size, strides, offset), [shape], in_order)
    turned = lambda x: (x.transpose(0, 1) * 2).as_strided(size, strides, offset)  # noqa: E731

    def origin(place: plain.Place) -> tuple[int, plain.Place]:
        # The product lies in memory as its factor does: the transposed dimensions have the strides of the others.
        _, (a, b, c) = in_order(place)  # type: ignore[misc]
        return 0, (b, a, c)

    return Movement(turned, [shape], origin)


def pack_sequences(draw: Draw) -> Movement:
    """Step by step, of each step the sequences that are still long enough."""
    lengths = sorted(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)), reverse=True)
    first = draw(st.booleans())
    order = [(item, t) for t in range(lengths[0]) for item, length in enumerate(lengths) if t < length]
    shape = [len(lengths), lengths[0], 2] if first else [lengths[0], len(lengths), 2]
    turn = 1 if first else -1
    pack = torch.nn.utils.rnn.pack_padded_sequence
    return Movement(
        lambda x: pack(x, lengths, batch_first=first).data,
        [shape],
        lambda place: (0, (*order[place[0]][::turn], place[1])),
    )


def rot90(draw: Draw) -> Movement:
    """A quarter turn: rows become columns, backwards."""
    shape = picture(draw)
    return Movement(lambda x: x.rot90(1, (2, 3)), [shape], lambda p: (0, (*p[:2], p[3], shape[3] - 1 - p[2])))


def diag_embed(draw: Draw) -> Movement:
    shape = picture(draw, dims=2)
    return Movement(lambda x: x.diag_embed(), [shape], lambda p: (0, p[:2]) if p[1] == p[2] else None)


def diagonal_scatter(draw: Draw) -> Movement:
    size = draw(st.integers(1, 4))
    return Movement(
        lambda x, y: x.diagonal_scatter(y),
        [[size, size], [size]],
        plain.overwritten({(n, n): (n,) for n in range(size)}),
    )


def max_unpool3d(draw: Draw) -> Movement:
    indices = torch.tensor([0, 7]).reshape(1, 2, 1, 1, 1) if draw(st.booleans()) else torch.zeros(1, 2, 1, 1, 1).long()
    back = {(0, c, *(int(n) for n in torch.unravel_index(indices[0, c], (2, 2, 2)))): (0, c, 0, 0, 0) for c in range(2)}
    return Movement(
        lambda x: F.max_unpool3d(x, indices, 2),
        [[1, 2, 1, 1, 1]],
        lambda place: (0, back[place]) if place in back else None,
    )


def masked_scatter(draw: Draw) -> Movement:
    shape = picture(draw)
    mask = booleans(draw, shape)
    written = {tuple(place): (n,) for n, place in enumerate(mask.nonzero().tolist())}
    return Movement(lambda x, y: x.masked_scatter(mask, y), [shape, [mask.numel()]], plain.overwritten(written))


def index_copy(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    at = draw(st.permutations(range(shape[dim])))[: draw(st.integers(1, shape[dim]))]
    part = [*shape[:dim], len(at), *shape[dim + 1 :]]
    written = {(*p[:dim], at[p[dim]], *p[dim + 1 :]): p for p in plain.places(part)}
    return Movement(lambda x, y: x.index_copy(dim, torch.tensor(at), y), [shape, part], plain.overwritten(written))


def index_fill(draw: Draw) -> Movement:
    shape, dim = picture(draw), draw(st.integers(0, 3))
    at = draw(st.integers(0, shape[dim] - 1))
    origin = plain.masked_out(lambda place: (0, place), lambda place: place[dim] == at)
    return Movement(lambda x: x.index_fill(dim, torch.tensor([at]), 0.5), [shape], origin)


def reordered(function: Callable[..., Any], before: Sequence[int], after: Sequence[int]) -> Callable[[Draw], Movement]:
    return lambda draw: Movement(function, [before], plain.reshaped(before, after))


MOVEMENTS: dict[str, Callable[[Draw], Movement]] = {
    "aten.cat": cat,
    "aten.stack": stack,
    "aten.constant_pad_nd": constant_pad,
    "aten.permute": permute,
    "aten.transpose": transpose,
    "aten.t": lambda draw: Movement(lambda x: x.t(), [[2, 3]], plain.permuted([1, 0])),
    "aten.slice": slice_,
    "aten.select": select,
    "aten.split": split,
    "aten.split_with_sizes": split_with_sizes,
    "aten.unbind": unbind,
    "aten.expand": expand,
    "aten.repeat": repeat,
    "aten.flip": flip,
    "aten.roll": roll,
    "aten.copy": copy,
    "aten.reflection_pad1d": folded_pad("reflect", 1),
    "aten.reflection_pad2d": folded_pad("reflect", 2),
    "aten.replication_pad1d": folded_pad("replicate", 1),
    "aten.replication_pad2d": folded_pad("replicate", 2),
    "aten.reflection_pad3d": folded_pad("reflect", 3),
    "aten.replication_pad3d": folded_pad("replicate", 3),
    "aten.pixel_shuffle": pixel_shuffle,
    "aten.pixel_unshuffle": pixel_unshuffle,
    "aten.channel_shuffle": channel_shuffle,
    "aten.upsample_nearest1d": upsample(1),
    "aten.upsample_nearest2d": upsample(2),
    "aten.upsample_nearest3d": upsample(3),
    "aten._upsample_nearest_exact1d": upsample(1, "nearest-exact"),
    "aten._upsample_nearest_exact2d": upsample(2, "nearest-exact"),
    "aten._upsample_nearest_exact3d": upsample(3, "nearest-exact"),
    "cnnfix.overwrite": overwrite,
    "aten._pack_padded_sequence": pack_sequences,
    "aten.where": where,
    "aten.index": index,
    "aten.take": take,
    "aten.masked_select": masked_select,
    "aten.index_put": index_put,
    "aten.max_unpool2d": max_unpool,
    "aten.gather": gather,
    "aten.index_select": index_select,
    "aten.scatter": scatter,
    "aten.masked_fill": masked_fill,
    "aten.unfold": unfold,
    "aten.im2col": im2col,
    "aten.diagonal": diagonal,
    "aten.tril": triangle(lower=True),
    "aten.triu": triangle(lower=False),
    "aten.slice_scatter": slice_scatter,
    "aten.select_scatter": select_scatter,
    "aten.as_strided": as_strided,
    "aten.unsafe_split": unsafe_split,
    "aten.view": reordered(lambda x: x.view(4, 9), (2, 3, 6), (4, 9)),
    "aten._unsafe_view": reordered(lambda x: aten._unsafe_view(x, [4, 9]), (2, 3, 6), (4, 9)),
    "aten._reshape_alias": reordered(lambda x: aten._reshape_alias(x, [4, 9], [9, 1]), (2, 3, 6), (4, 9)),
    "aten.squeeze": reordered(lambda x: x.squeeze(1), (3, 1, 4), (3, 4)),
    "aten.unsqueeze": reordered(lambda x: x.unsqueeze(1), (3, 4), (3, 1, 4)),
    "aten.clone": reordered(lambda x: x.clone(memory_format=torch.channels_last), (2, 3, 4, 5), (2, 3, 4, 5)),
    "aten.detach": reordered(torch.detach, (3, 4), (3, 4)),
    "aten.alias": reordered(aten.alias, (3, 4), (3, 4)),
    "aten._to_copy": reordered(lambda x: x.to(torch.float32), (3, 4), (3, 4)),
    "aten.rot90": rot90,
    "aten.diag_embed": diag_embed,
    "aten.diagonal_scatter": diagonal_scatter,
    "aten.max_unpool3d": max_unpool3d,
    "aten.masked_scatter": masked_scatter,
    "aten.index_copy": index_copy,
    "aten.index_fill": index_fill,
    "aten.lift_fresh": reordered(aten.lift_fresh, (3, 4), (3, 4)),
}
COVERED.update(MOVEMENTS)


@pytest.mark.parametrize("name", MOVEMENTS)
@few_examples
@given(data=st.data(), rng=seeds, preset=st.sampled_from([EVIDENCE, PUBLISHED]))
def test_movement(name: str, data: Any, rng: Any, preset: Preset) -> None:
    movement = MOVEMENTS[name](data.draw)
    xs = [numbers(rng, shape, False) for shape in movement.shapes]
    asked = ask(movement.function, xs, name, preset, rng, movement.slot)
    compare(asked, plain.moved(asked.elements, movement.origin))


@few_examples
@given(data=st.data(), dims=st.integers(1, 3))
def test_circular_padding(data: Any, dims: int) -> None:
    """It is recorded as many writes into parts of a new tensor: walked through whole."""
    draw: Draw = data.draw
    shape = picture(draw, least=2, dims=dims + 2)
    pads = [draw(st.integers(0, 2)) for _ in range(2 * dims)]
    tape = record(Apply(lambda x: F.pad(x, pads, "circular")), torch.rand(shape, dtype=torch.float64))
    origin = plain.pad_folded(shape, [0, 0, *pads[-2::-2]], "circular")
    target = tuple(draw(st.integers(0, size - 1)) for size in tape.output.shape)
    fixations = unravel(tape, target).fixations
    assert [tuple(place) for place in fixations.index] == [origin(target)[1]]  # type: ignore[index]
    assert fixations.evidence.tolist() == [1]


@pytest.mark.filterwarnings("ignore:The reduce argument")
def test_what_adds_where_it_writes_is_no_movement() -> None:
    tape = record(
        Apply(lambda x: x.scatter(0, torch.zeros(1, 3, dtype=torch.int64), x[:1], reduce="add")), torch.ones(2, 3)
    )
    with pytest.raises(NoRuleError, match="adds"):
        unravel(tape, (0, 1))


@covers("aten.fill", "aten.zero")
@pytest.mark.parametrize("write", [lambda part: part.fill_(5.0), lambda part: part.zero_()])
def test_what_a_constant_overwrites_came_from_nowhere(write: Callable[..., Any]) -> None:
    def half(x: torch.Tensor) -> torch.Tensor:
        copy = x.clone()
        write(copy[:, 0])
        return copy

    tape = record(Apply(half), torch.ones(1, 2, dtype=torch.float64))
    operation = next(op for op in tape.operations if op.name in ("aten.fill", "aten.zero"))
    selection = Selection.single(operation.outputs[0].shape, 0)
    question = Question(operation, 0, selection, EVIDENCE, Structure(tape))
    (arrival,) = rules.find(operation.name).hop(question)
    assert arrival.index.tolist() == [-1]
    assert arrival.evidence.tolist() == [1.0]
