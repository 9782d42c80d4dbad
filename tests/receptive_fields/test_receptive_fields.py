"""Receptive fields by stride and offset, against what gradients reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from cnnfix_core.engine.aliasing import Overwrite
from cnnfix_core.engine.recording import record, record_whole
from cnnfix_core.engine.tape import Operation, Tape, Value
from cnnfix_core.receptive_fields.field import Axis, Field, fields
from cnnfix_core.zoo import Model, architectures
from tests.engine.asking import Apply, Draw, few_examples, many_examples

# --- the plain version: gradients of what stands at a place, in a network without cancellations -----------------------

# Stand for themselves: which pixels an element depends on stays the same, and nothing saturates.
_IDENTITIES = {
    *("aten.relu", "aten.hardtanh", "aten.gelu", "aten.silu", "aten.native_batch_norm", "aten.native_layer_norm"),
    *("aten.dropout", "aten.sigmoid"),
}


def replayed(tape: Tape, image: Tensor) -> dict[Value, Tensor]:
    """All values of a network like the tape's: positive weights, no maxima, no saturation; in double precision."""
    known = {tape.inputs[0]: image}

    def tensor(value: Value) -> Tensor:
        if value not in known:
            assert value.data is not None
            weights = value.data
            # Means, of all numbers but those for the outputs: neither grows nor vanishes.
            known[value] = torch.full(weights.shape, max(weights.shape, default=1) / max(weights.numel(), 1)).double()
        return known[value]

    for operation in tape.operations:
        args, options = tree_map_only(Value, tensor, (operation.args, operation.kwargs))
        result = again(operation, args, options)
        for value, made in zip(operation.outputs, result, strict=False):
            known[value] = made
    return known


def again(operation: Operation, args: Sequence[Any], options: dict[str, Any]) -> Sequence[Tensor]:
    if operation.name in _IDENTITIES:
        return [args[0]]
    if operation.name == "aten.max_pool2d_with_indices":
        return [window_sums(operation.outputs[0].shape, *args[:5])]
    if operation.name != Overwrite.name and operation.call._schema.is_mutable:  # type: ignore[attr-defined]
        args = [args[0].clone(), *args[1:]]
    result = operation.call(*args, **options)
    return [result] if isinstance(result, Tensor) else result


def window_sums(
    shape: Sequence[int],
    x: Tensor,
    size: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0, 0),
    dilation: Sequence[int] = (1, 1),
) -> Tensor:
    """Sums over the windows of a pooling that gives this shape."""
    ends = [64, 64]  # far more than any window reaches over the end
    padded = F.pad(x, (padding[1], ends[1], padding[0], ends[0]))
    ones = torch.ones(x.shape[1], 1, *size, dtype=x.dtype)
    sums = F.conv2d(padded, ones, stride=stride or size, dilation=dilation, groups=x.shape[1])
    return sums[:, :, : shape[2], : shape[3]]


class Extent(NamedTuple):
    low: Tensor  # row, column
    high: Tensor


def seen(image: Tensor, number: Tensor) -> Extent:
    """Pixels that a number depends on, from the first to the last."""
    (gradient,) = torch.autograd.grad(number, image, retain_graph=True)
    pixels = gradient[0].abs().sum(dim=0).nonzero()
    return Extent(pixels.amin(dim=0), pixels.amax(dim=0))


def at_place(tensor: Tensor, field: Field, row: int, column: int) -> Tensor:
    """Sum of all elements of a place."""
    rows, columns = field.size
    per_place = tensor.numel() // (rows * columns)
    return tensor.reshape(-1)[[field.index(channel, row, column) for channel in range(per_place)]].sum()


def expected(field: Field, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last pixel that a place sees: (row, column) each."""
    (x, y), size = field.centres(np.array([[row, column]]))[0], (field.rows.size, field.columns.size)
    middle = np.array([y, x])
    return middle - (np.array(size) - 1) / 2, middle + (np.array(size) - 1) / 2


def compare(tape: Tape, values: Sequence[Value], per_map: int = 2) -> int:
    """Compare the fields of places well inside; how many were compared."""
    known, count = fields(tape), 0
    image = torch.rand(tape.inputs[0].shape, dtype=torch.float64, requires_grad=True)
    tensors = replayed(tape, image)
    for value in values:
        field = known[value]
        for row, column in inside(field, image.shape[2:], per_map):
            extent = seen(image, at_place(tensors[value], field, row, column))
            low, high = expected(field, row, column)
            assert extent.low.tolist() == low.tolist(), (value.producer, row, column)
            assert extent.high.tolist() == high.tolist(), (value.producer, row, column)
            count += 1
    return count


def inside(field: Field, pixels: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Places around the middle that see no pixel outside."""
    rows, columns = field.size
    for n in range(most):
        row, column = rows // 2 - n, columns // 2 + n % 2
        if row >= 0 and column < columns:
            low, high = expected(field, row, column)
            if (low >= 0).all() and (high < pixels).all():
                yield row, column


def mapped(tape: Tape) -> list[Value]:
    known = fields(tape)
    return [value for operation in tape.operations for value in operation.outputs if value in known]


# --- small networks ---------------------------------------------------------------------------------------------------

Layer = Callable[[Draw, int], tuple[nn.Module, int]]
small = st.integers(1, 4)
CHANNELS = 4


def convolution(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    pair = st.tuples(small, small)
    return nn.Conv2d(channels, CHANNELS, draw(pair), draw(st.tuples(*[st.integers(1, 2)] * 2)), draw(pair)), CHANNELS


def dilated(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    groups = draw(st.sampled_from([1, channels]))
    return nn.Conv2d(channels, channels, 3, dilation=(draw(small), 1), padding=1, groups=groups), channels


def padded(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    pads = [draw(st.integers(0, 2)) for _ in range(4)]
    mode = draw(st.sampled_from(["constant", "reflect", "replicate"]))
    return nn.Sequential(Apply(lambda x: F.pad(x, pads, mode)), nn.Conv2d(channels, channels, 3)), channels


def max_pooling(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    rounds_up = draw(st.booleans())
    stride = draw(st.sampled_from([None, 1, 2]))
    return nn.MaxPool2d((3, 2), stride, padding=1, dilation=draw(st.integers(1, 2)), ceil_mode=rounds_up), channels


def average_pooling(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    return nn.AvgPool2d((2, 3), draw(st.sampled_from([None, 1, 2])), padding=1, ceil_mode=draw(st.booleans())), channels


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.inner(x))


def residual(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    size = draw(st.sampled_from([1, 3, 5]))
    return Residual(nn.Conv2d(channels, channels, size, padding=size // 2)), channels


def shifted_residual(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    """The branch looks to one side only."""
    pads = draw(st.sampled_from([(2, 0, 0, 2), (0, 2, 1, 1)]))
    return Residual(nn.Sequential(nn.ConstantPad2d(pads, 0.0), nn.Conv2d(channels, channels, 3))), channels


def joined(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    inner = nn.Conv2d(channels, 2, 5, padding=2)
    module = Apply(lambda x: torch.cat([x, inner(x)], draw(st.sampled_from([1, -3]))))
    module.inner = inner
    return module, channels + 2


def shuffled(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    def shuffle(x: Tensor) -> Tensor:
        batch, _, rows, columns = x.shape
        first, second = x.view(batch, 2, channels // 2, rows, columns).transpose(1, 2).reshape(x.shape).chunk(2, dim=1)
        return torch.cat([second, first * 2 - 0.5], dim=1)

    return Apply(shuffle), channels


def channels_last(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
    head = nn.Sequential(nn.LayerNorm(channels), nn.Linear(channels, 7), nn.GELU(), nn.Linear(7, channels, bias=False))
    module = Apply(lambda x: x + 0.1 * head(depthwise(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
    module.depthwise, module.head = depthwise, head
    return module, channels


def as_tokens(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    linear = nn.Linear(channels, CHANNELS)

    def through(x: Tensor) -> Tensor:
        tokens = linear(x.flatten(2).transpose(1, 2))
        return tokens.transpose(1, 2).reshape(x.shape[0], CHANNELS, *x.shape[2:])

    module = Apply(through)
    module.linear = linear
    return module, CHANNELS


def merged_patches(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    def merge(x: Tensor) -> Tensor:
        x = x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]
        return torch.cat([x[:, :, 0::2, 0::2], x[:, :, 1::2, 0::2], x[:, :, 0::2, 1::2], x[:, :, 1::2, 1::2]], dim=1)

    return Apply(merge), channels * 4


def cut(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    first, step = draw(st.integers(0, 2)), draw(st.integers(1, 2))
    return Apply(lambda x: x[:, :, first:, : -1 - first : step].narrow(2, 1, x.shape[2] - 3)), channels


def into_channels(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    return Apply(lambda x: F.pixel_unshuffle(x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2], 2)), channels * 4


def stacked(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    inner = nn.Conv2d(channels, channels, 3, padding=1)
    dim = draw(st.integers(0, 4))
    module = Apply(lambda x: torch.stack([x, inner(x)], dim).sum(dim))
    module.inner = inner
    return module, channels


def partly(draw: Draw, channels: int) -> tuple[nn.Module, int]:
    """A convolution of some channels, written over them."""
    inner = nn.Conv2d(2, 2, 3, padding=1, bias=False)

    def write(x: Tensor) -> Tensor:
        x = x.clone()
        x[:, :2] = inner(x[:, :2])
        return x

    module = Apply(write)
    module.inner = inner
    return module, channels


LAYERS: list[Layer] = [
    *(convolution, dilated, padded, max_pooling, average_pooling, residual, shifted_residual, joined),
    *(channels_last, as_tokens, merged_patches, cut, into_channels, stacked),
]
# These take some channels, which see less than all do where they were joined before.
OF_SOME_CHANNELS: list[Layer] = [shuffled, partly]


@pytest.mark.parametrize("layer", [*LAYERS, *OF_SOME_CHANNELS], ids=lambda layer: layer.__name__)
@few_examples
@given(st.data())
def test_a_layer_between_two_convolutions(layer: Layer, data: st.DataObject) -> None:
    middle, channels = layer(data.draw, CHANNELS)
    network = nn.Sequential(nn.Conv2d(3, CHANNELS, (3, 2)), middle, nn.Conv2d(channels, 2, 2, stride=2))
    tape = record_whole(network.eval(), torch.rand(1, 3, 26, 29))
    known = fields(tape)
    assert all(operation.outputs[0] in known for operation in tape.operations)
    assert compare(tape, mapped(tape)) > 2


@many_examples
@given(st.lists(st.sampled_from(LAYERS), min_size=2, max_size=4), st.data())
def test_random_networks(layers: list[Layer], data: st.DataObject) -> None:
    modules, channels = [], CHANNELS
    for layer in layers:
        module, channels = layer(data.draw, channels)
        modules.append(module)
    network = nn.Sequential(nn.Conv2d(3, CHANNELS, 3, padding=1), *modules)
    tape = record_whole(network.eval(), torch.rand(1, 3, 80, 88))
    compare(tape, mapped(tape)[-6:], per_map=1)


# --- other ways to other places: on the mean, and at the widest -------------------------------------------------------

ENLARGED: dict[str, tuple[nn.Module, int]] = {  # with the places after which its windows repeat
    "nearest": (nn.Upsample(scale_factor=3), 3),
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), 2),
    "bicubic": (nn.Upsample(scale_factor=2, mode="bicubic"), 2),
    "shrunk": (nn.Upsample(scale_factor=0.5, mode="nearest-exact"), 1),
    "transposed": (nn.ConvTranspose2d(3, 3, 4, stride=2, padding=1), 2),
    "transposed, dilated": (nn.ConvTranspose2d(3, 3, 3, padding=1, dilation=2), 1),
    "pixels from channels": (nn.Sequential(nn.Conv2d(3, 12, 1), nn.PixelShuffle(2)), 2),
}


@pytest.mark.parametrize("kind", ENLARGED)
def test_enlarged_maps(kind: str) -> None:
    module, period = ENLARGED[kind]
    tape = record_whole(nn.Sequential(nn.Conv2d(3, 3, 3, stride=2, padding=1), module), torch.rand(1, 3, 30, 30))
    field = fields(tape)[tape.output]
    image = torch.rand(1, 3, 30, 30, dtype=torch.float64, requires_grad=True)
    tensor = replayed(tape, image)[tape.output]
    places = range(field.size[0] // 2, field.size[0] // 2 + period)
    extents = [seen(image, at_place(tensor, field, n, n)) for n in places]
    lows, highs = (torch.stack(ends).double()[:, 0].numpy() for ends in zip(*extents, strict=True))
    assert np.mean(lows + highs) / 2 == np.mean(field.rows.centres(np.array(places)))
    assert max(highs - lows) + 1 == field.rows.size
    assert field.rows == Axis(field.size[1], field.size[1], *astuple(field.columns)[2:])


@pytest.mark.parametrize("aligned", [False, True])
def test_interpolation_to_any_size_keeps_the_corners_or_the_borders(aligned: bool) -> None:
    resize = Apply(lambda x: F.interpolate(x, (17, 5), mode="bilinear", align_corners=aligned))
    tape = record(resize, torch.rand(1, 3, 9, 11))
    field = fields(tape)[tape.output]
    for axis, pixels in ((field.rows, 9), (field.columns, 11)):
        first, last = axis.centres(np.array([0, axis.count - 1]))
        border = 0 if aligned else axis.stride / 2 - 0.5
        assert (first, last) == pytest.approx((border, pixels - 1 - border))


@pytest.mark.parametrize("pooling", [nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d])
def test_adaptive_pooling(pooling: type[nn.Module]) -> None:
    tape = record(pooling((4, 3)), torch.rand(1, 2, 12, 10))
    field = fields(tape)[tape.output]
    assert field.rows == Axis(3, 4, 3, 1, 3)
    assert (field.columns.stride, field.columns.size) == (10 / 3, 4)
    assert field.columns.centres(np.arange(3)) == pytest.approx([4.5 - 10 / 3, 4.5, 4.5 + 10 / 3])


# --- what has no place ------------------------------------------------------------------------------------------------

NOWHERE: dict[str, Callable[[Tensor], Tensor]] = {
    "global pooling": lambda x: x.mean((2, 3), keepdim=True),
    "one axis pooled": lambda x: x.amax(2, keepdim=True),
    "a vector": lambda x: x.mean((2, 3)),
    "fully connected": lambda x: x.flatten(1) @ torch.ones(7 * 6 * 4, 5),
    "flipped": lambda x: x.flip(2),
    "rolled": lambda x: x.roll(1, 3),
    "rows mixed with channels": lambda x: x.flatten(1, 2).unfold(1, 3, 2),
    "windows": lambda x: x[:, :, :6].reshape(1, 4, 3, 2, 6).transpose(2, 3),
    "end to end": lambda x: torch.cat([x, x], 2),
    "sorted": lambda x: x.sort(dim=2)[0],
    "attention": lambda x: torch.bmm(x.flatten(2).softmax(2), x.flatten(2).transpose(1, 2)),
}


@pytest.mark.parametrize("kind", NOWHERE)
def test_no_place(kind: str) -> None:
    tape = record(Apply(NOWHERE[kind]), torch.rand(1, 4, 7, 6))
    assert tape.output not in fields(tape)


def test_inputs_that_are_no_pictures() -> None:
    tape = record(nn.Conv1d(3, 2, 3), torch.rand(1, 3, 20))
    assert fields(tape) == {}


KEPT: dict[str, Callable[[Tensor], Tensor]] = {
    "a vector of places": lambda x: x.flatten(1),
    "the mean over channels": lambda x: x.mean(1, keepdim=True),
    "the largest channel": lambda x: x.max(dim=1)[0],
    "windows put back": lambda x: x + x.roll((1, 2), (2, 3)),
    "a gate of its own": lambda x: x * torch.sigmoid(F.conv2d(x, torch.ones(1, 4, 5, 5), padding=2)),
    "a gate a channel": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
    "a mean added": lambda x: x + x.mean((2, 3), keepdim=True),
    "parts of a row": lambda x: x / (x + x.mean(1, keepdim=True)).exp(),
    "repeated by expanding": lambda x: x[:, :1].expand(1, 8, 7, 6),
    "a mask": lambda x: torch.where(x > 0.5, x, 2 * x),
    "written over": lambda x: x.masked_fill(x > 0.5, 1.0),
    "channels in groups": lambda x: F.channel_shuffle(x, 2),
}


@pytest.mark.parametrize("kind", KEPT)
def test_the_same_places(kind: str) -> None:
    tape = record(Apply(KEPT[kind]), torch.rand(1, 4, 7, 6))
    known = fields(tape)
    assert known[tape.output] == known[tape.inputs[0]]


# --- places and channels of elements ----------------------------------------------------------------------------------


# Movements that keep places, of a tensor of any shape, along some dimension.
MOVES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "turn": lambda x, dim: x.movedim(dim, 0).clone(),
    "view": lambda x, dim: x.movedim(dim, -1),
    "slice": lambda x, dim: x.narrow(dim, x.shape[dim] // 3, max(1, x.shape[dim] // 2)),
    "unsqueeze": lambda x, dim: x.unsqueeze(dim),
    "expand": lambda x, dim: x.unsqueeze(dim).expand(*x.shape[:dim], 2, *x.shape[dim:]).clone(),
    "split": lambda x, dim: x.unflatten(dim, (x.shape[dim] // 2, 2) if x.shape[dim] % 2 == 0 else (1, -1)),
    "merge": lambda x, dim: x.flatten(dim - 1, dim) if dim else x,
    "select": lambda x, dim: x.select(dim, x.shape[dim] // 2) if x.dim() > 3 else x,
    "double": lambda x, dim: torch.cat([x, x + 0.0], dim),
}


def moving(draw: Draw) -> nn.Module:
    kind = draw(st.sampled_from(sorted(MOVES)))
    return Apply(lambda x: MOVES[kind](x, draw(st.integers(0, x.dim() - 1))))


@many_examples
@given(st.integers(1, 4), st.data())
def test_elements_carry_their_place_through_movements(count: int, data: st.DataObject) -> None:
    rows, columns = 6, 10
    through = nn.Sequential(*[moving(data.draw) for _ in range(count)])
    picture = torch.arange(rows * columns).reshape(1, 1, rows, columns).expand(1, 4, rows, columns).float()
    tape = record_whole(through, picture + 0.0)
    for value, field in fields(tape).items():
        index = np.arange(np.prod(value.shape))
        y, x = np.divmod(value.array().reshape(-1), columns)
        assert (field.centres(field.places(index)) == np.stack([x, y], axis=1)).all()
        assert (np.stack(np.divmod(field.cells(index), field.size[1]), axis=1) == field.places(index)).all()
        again = [field.index(int(c), *map(int, place)) for c, place in zip(*split_up(field, index), strict=True)]
        assert again == index.tolist()
        assert set(field.channels(index)) == set(range(len(index) // np.prod(field.size)))


def split_up(field: Field, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return field.channels(index), field.places(index)


@few_examples
@given(st.permutations(range(4)), st.permutations(range(4)))
def test_no_order_of_dimensions_loses_places(first: Sequence[int], second: Sequence[int]) -> None:
    tape = record(Apply(lambda x: x.permute(first).clone().permute(second) * 2), torch.rand(1, 3, 4, 5))
    known = fields(tape)
    assert {value for operation in tape.operations for value in operation.outputs} < set(known)
    field, shape = known[tape.output], tape.output.shape
    order = [first[at] for at in second]
    coordinates = dict(zip(order, np.unravel_index(np.arange(60), shape), strict=True))
    assert (field.places(np.arange(60)) == np.stack([coordinates[2], coordinates[3]], axis=1)).all()
    assert (field.channels(np.arange(60)) == coordinates[1]).all()


# --- whole networks ---------------------------------------------------------------------------------------------------

# Pictures so large that several places of the chosen layers see no border.
NETWORKS = {
    "resnet18": ("conv1", "maxpool", "layer1.1", "layer2.0", "layer2.1"),
    "shufflenet_v2_x1_0": ("maxpool", "stage2.0", "stage2.2", "stage3.0"),
    "convnext_tiny": ("features.0", "features.1.1", "features.2", "features.3.0"),
    "vgg16": ("features.5", "features.16", "features.23"),
    "densenet121": ("features.pool0", "features.denseblock1.denselayer3", "features.transition1"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_of_known_networks(name: str) -> None:
    torch.manual_seed(0)
    size = 144 if name == "vgg16" else 256
    tape = record_whole(architectures.build(name).eval(), torch.rand(1, 3, size, size))
    assert compare_layers(tape, NETWORKS[name]) >= len(NETWORKS[name])


def test_layers_of_the_bundled_network(model: Model) -> None:
    tape = record_whole(model.module, torch.rand(1, 3, 224, 224))
    modules = [operation.module for operation in tape.operations if operation.name == "aten.convolution"][:18:4]
    assert compare_layers(tape, modules) >= 4


def compare_layers(tape: Tape, modules: Sequence[str]) -> int:
    last = {part: operation for operation in tape.operations for part in parts(operation.module)}
    return compare(tape, [last[module].outputs[0] for module in modules], per_map=1)


def parts(module: str) -> list[str]:
    """The module and all those around it."""
    names = module.split(".")
    return [".".join(names[: n + 1]) for n in range(len(names))]
