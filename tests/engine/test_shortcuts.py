"""Tapes are the same with shortcuts and without: the dispatcher, which tells of every operator, is the slow version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.dlpack import to_dlpack
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model

from cnnfix_core import Tape, record
from cnnfix_core.engine import functions, shortcuts
from cnnfix_core.engine.tape import Value
from cnnfix_core.errors import RecordError

aten = torch.ops.aten
X = torch.linspace(-2, 2, 2 * 4 * 6 * 6).reshape(2, 4, 6, 6)
WEIGHT = torch.linspace(-1, 1, 8 * 4 * 3 * 3).reshape(8, 4, 3, 3)
SQUARE = torch.linspace(-1, 1, 36).reshape(6, 6)
FOUR = torch.tensor([0.5, 1.0, 2.0, -1.0])
SIX = torch.arange(6.0)


class Calling(nn.Module):
    """Calls a function on what does not depend on anything else, so that it may be written to."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x * 1.5)


def described(tape: Tape) -> list[Any]:
    """Everything that a tape says, comparable."""
    numbers: dict[int, int] = {}

    def of(item: Any) -> Any:
        if isinstance(item, Value):
            number = numbers.setdefault(id(item), len(numbers)) if item.depends else None
            kept = None if item.kept is None else (item.kept.stride(), item.kept.tolist())
            return number, item.shape, item.depends, item.cut, kept
        if isinstance(item, dict):
            return {name: of(part) for name, part in item.items()}
        return [type(item), *map(of, item)] if isinstance(item, (list, tuple)) else item

    return [
        (one.index, one.name, one.module, of(one.args), of(one.kwargs), of(one.outputs), one.call)
        for one in tape.operations
    ]


def told(module: nn.Module, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> Tape:
    """The tape without shortcuts."""
    with monkeypatch.context() as without:
        without.setattr(functions, "shortcuts", {})
        return record(module, x)


# Every function that has a shortcut, in the ways it is called.
CALLS: dict[str, Callable[[Tensor], Any]] = {
    "conv2d": lambda x: torch.conv2d(x, WEIGHT),
    "conv2d, all": lambda x: F.conv2d(x, WEIGHT[:, :2], torch.ones(8), (1, 2), (1, 0), 1, 2),
    "conv2d, names": lambda x: F.conv2d(x, weight=WEIGHT, bias=None, stride=[2], padding=(1,), dilation=1),
    "batch_norm": lambda x: F.batch_norm(x, FOUR, FOUR.abs(), FOUR, FOUR),
    "batch_norm, bare": lambda x: F.batch_norm(x, FOUR, FOUR.abs(), eps=1e-3, momentum=0.3),
    "layer_norm": lambda x: F.layer_norm(x, (6,), SIX, SIX),
    "layer_norm, bare": lambda x: F.layer_norm(x, [6, 6], eps=1e-2),
    "linear": lambda x: F.linear(x.flatten(0, 2), SQUARE, SIX),
    "linear, rows": lambda x: F.linear(x, SQUARE, SIX),
    "relu": F.relu,
    "relu, in place": lambda x: F.relu(x, inplace=True),
    "relu, torch": torch.relu,
    "relu, method": lambda x: x.relu(),
    "sigmoid": torch.sigmoid,
    "sigmoid, method": lambda x: x.sigmoid(),
    "silu": lambda x: F.silu(x, True),
    "hardswish": F.hardswish,
    "hardsigmoid": lambda x: F.hardsigmoid(x, inplace=True),
    "gelu": F.gelu,
    "hardtanh": F.hardtanh,
    "hardtanh, in place": lambda x: F.hardtanh(x, 0, 6.0, inplace=True),
    "add": lambda x: torch.add(x, FOUR[0]),
    "add, sign": lambda x: x + x.flip(2),
    "add_": lambda x: x.add_(SIX),
    "add_, sign": lambda x: _add_to(x.flip(2), x),
    "mul": lambda x: torch.mul(FOUR[:, None, None], x),
    "mul, method": lambda x: x.mul(x),
    "cat": lambda x: torch.cat([x, X]),
    "cat, dim": lambda x: torch.cat((x, x, X), dim=1),
    "permute": lambda x: torch.permute(x, (0, 2, 3, 1)),
    "permute, method": lambda x: x.permute(0, -1, 2, 1),
    "permute, list": lambda x: x.permute([3, 2, 1, 0]),
    "transpose": lambda x: torch.transpose(x, 1, -1),
    "transpose, method": lambda x: x.transpose(dim0=0, dim1=1),
    "view": lambda x: x.view(2, -1),
    "view, list": lambda x: x.view((*x.shape[:2], 36)),
}

# What a shortcut does not know.
OTHERS: dict[str, Callable[[Tensor], Any]] = {
    "no batch": lambda x: torch.conv2d(x[0], WEIGHT),
    "padding": lambda x: F.conv2d(x, WEIGHT, padding="same"),
    "training": lambda x: F.batch_norm(x, None, None, training=True),
    "no bias": lambda x: F.linear(x, SQUARE),
    "strides": lambda x: F.linear(x.transpose(2, 3), SQUARE, SIX),
    "tanh": lambda x: F.gelu(x, approximate="tanh"),
    "number": lambda x: x + 1,
    "number first": lambda x: 2 * x,
    "alpha": lambda x: torch.add(x, X, alpha=2),
    "into another": lambda x: torch.cat([x, x], out=torch.empty(0)),
    "types": lambda x: x.double().add_(X),
    "view as": lambda x: x.view(torch.int32).view(torch.float32) + x,
    "view as named": lambda x: x.view(dtype=torch.int32) * x,
    "half": lambda x: F.relu(x.half()).float() + torch.conv2d(x, WEIGHT.requires_grad_(False)).sum(),
}


def _add_to(x: Tensor, other: Tensor) -> Tensor:
    x += other
    return x


@pytest.mark.parametrize("name", [*CALLS, *OTHERS])
def test_the_tape_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Calling({**CALLS, **OTHERS}[name])
    taken, slow = record(module, X), told(module, X, monkeypatch)
    assert described(taken) == described(slow)
    assert torch.equal(taken.output_tensor, slow.output_tensor)


def test_every_shortcut_is_taken_here(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = set()

    def noting(function: Any, shortcut: Any) -> Any:
        def noted(do: Any, *args: Any, **kwargs: Any) -> Any:
            result = shortcut(do, *args, **kwargs)
            taken.add(function)
            return result

        return noted

    every = {function: noting(function, shortcut) for function, shortcut in shortcuts.shortcuts.items()}
    monkeypatch.setattr(functions, "shortcuts", every)
    for function in OTHERS.values():
        record(Calling(function), X)
    for function in CALLS.values():
        record(Calling(function), X)
    assert taken == set(every)


@pytest.mark.parametrize(
    "name", ["resnet18", "googlenet", "shufflenet_v2_x0_5", "mobilenet_v3_small", "efficientnet_b0", "vit_b_16"]
)
def test_tapes_of_networks_are_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    options = {"init_weights": False} if name == "googlenet" else {}
    module = get_model(name, weights=None, **options).eval()
    x = torch.rand(1, 3, *[224 if name == "vit_b_16" else 64] * 2)
    taken, slow = record(module, x), told(module, x, monkeypatch)
    assert [(one.name, one.module) for one in taken.operations] == [(one.name, one.module) for one in slow.operations]
    kept = [(a.kept, b.kept) for a, b in zip(*map(values_of, (taken, slow)), strict=True)]
    assert all((a is None) == (b is None) and (a is None or torch.equal(a, b)) for a, b in kept)
    assert len(taken.operations) > 20 < sum(a is not None for a, _ in kept)


def values_of(tape: Tape) -> list[Any]:
    return [value for one in tape.operations for value in (*one.inputs(), *one.outputs)]


def test_other_modes_see_every_operator() -> None:
    class Seeing(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(func)
            return func(*args, **(kwargs or {}))

    def watched(x: Tensor) -> Tensor:
        with Seeing():
            return F.relu(torch.conv2d(x, WEIGHT), inplace=True)

    for run in (lambda: record(Calling(watched), X), lambda: _in(Seeing(), Calling(CALLS["conv2d"]))):
        seen: list[Any] = []
        run()
        assert aten.convolution.default in seen
    with FlopCounterMode(display=False) as work:
        record(Calling(CALLS["conv2d"]), X)
    assert work.get_total_flops() == 2 * 2 * 8 * 4 * 9 * 16


def _in(mode: Any, module: nn.Module) -> Tape:
    with mode:
        return record(module, X)


def test_autocast_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def cast(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return torch.conv2d(x, WEIGHT).float()

    assert described(record(Calling(cast), X)) == described(told(Calling(cast), X, monkeypatch))
    assert "aten._to_copy" in {one.name for one in record(Calling(cast), X).operations}


def test_functions_over_a_batch_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def mapped(x: Tensor) -> Tensor:
        return torch.vmap(lambda one, weight: F.relu(torch.conv2d(one[None], weight)))(
            x, torch.stack([WEIGHT, -WEIGHT])
        )

    assert described(record(Calling(mapped), X)) == described(told(Calling(mapped), X, monkeypatch))


class Doubled(Tensor):
    """Counts as twice its numbers, which only its dispatch knows."""

    numbers: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def of(cls, numbers: Tensor) -> Doubled:
        made: Doubled = Tensor._make_wrapper_subclass(cls, numbers.shape)
        made.numbers = numbers
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*[2 * one.numbers if isinstance(one, Doubled) else one for one in args], **(kwargs or {}))


@pytest.mark.parametrize(
    ("function", "weight"),
    [
        (torch.conv2d, WEIGHT),
        (lambda x, weight: F.conv2d(x, weight=weight), WEIGHT),
        (lambda x, weight: F.linear(x, weight, SIX), SQUARE),
        (lambda x, weight: F.linear(x, SQUARE, bias=weight), SIX),
        (torch.add, SIX),
        (lambda x, weight: _add_to(x, weight) * x, SIX),
    ],
)
def test_weights_of_other_classes_go_the_long_way(function: Callable[..., Tensor], weight: Tensor) -> None:
    doubled = Doubled.of(weight)
    found = record(Calling(lambda x: function(x, doubled)), X).output_tensor
    assert torch.equal(found, function(1.5 * X, 2 * weight))


def test_gradients_inside_a_network_are_right() -> None:
    def sharpened(x: Tensor) -> Tensor:
        with torch.enable_grad():
            inner = x.detach().requires_grad_()
            outer = inner * 1
            outer += inner * inner * inner
            (slope,) = torch.autograd.grad((outer * outer).sum(), inner)
        return F.relu(x) + slope

    tape = record(Calling(sharpened), X)
    x = 1.5 * X
    assert torch.allclose(tape.output_tensor, F.relu(x) + 2 * (x + x**3) * (1 + 3 * x**2))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: torch.conv2d(x, WEIGHT[:, :3]), "expected input.* to have 3 channels, but got 4"),
        (lambda x: torch.cat([x, SIX]), "Tensors must have same number of dimensions"),
        (lambda x: F.linear(x, SQUARE[:, :5], SIX), "shapes cannot be multiplied"),
        (lambda x: torch.relu(x, x), "takes 1 positional argument but 2 were given"),
        (lambda x: F.relu(x, in_place=True), "unexpected keyword argument 'in_place'"),
    ],
)
def test_errors_are_in_pytorchs_words(function: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        record(Calling(function), X)


class Adding(nn.Module):
    """Writes to its buffer twice, with numbers that depend on the input."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.ones(2, 4, 6, 6))
        self.weight = nn.Parameter(torch.ones(2, 4, 6, 6))

    def forward(self, x: Tensor) -> Tensor:
        result = x * 1.5
        for own in (self.total, self.weight):
            result = result + own * result
            own.copy_(x)
            own.add_(x * result)
            result = result * own
            own.add_(x)
        return result + self.total + self.weight


def test_what_is_kept_is_not_copied_before_it_is_added_to() -> None:
    addresses = []

    def added(x: Tensor) -> Tensor:
        addresses.append(x.data_ptr())
        squared = x * x
        x += squared
        addresses.append(x.data_ptr())
        return x * 2

    tape = record(Calling(added), X)
    first, second = (tape.operations[at].args[0].kept for at in (1, 3))
    assert [first.data_ptr(), second.data_ptr()] == addresses
    assert torch.equal(first, 1.5 * X)
    assert torch.equal(second, 1.5 * X + (1.5 * X).square())


# Each reads, through something else in the same memory, what was added in place to a value that a rule reads.
SHARING: dict[str, Callable[[Tensor], Tensor]] = {
    "view before": lambda x: x.square() + (part := x[:1]) * _add_to(x, x * x) + part,
    "detached": lambda x: (other := x.detach()) * 2 + _add_to(x, x * x) * other,
    "data": lambda x: (other := x.data) * 0 + _add_to(x, x * x) + other.clone(),
    "NumPy": lambda x: (other := x.numpy(), _add_to(x, x * x))[1] * torch.from_numpy(other),
    "DLPack": lambda x: (other := torch.from_dlpack(x), _add_to(x, x * x))[1] * other,
    "DLPack capsule": lambda x: (other := to_dlpack(x), _add_to(x, x * x))[1] * torch.from_dlpack(other),
    "storage": lambda x: (
        (other := (y := x * 2).untyped_storage(), _add_to(y, y * y))[1].sum() + x * torch.empty(0).set_(other).sum()
    ),
    "view of a view": lambda x: (part := x[:, :2]) * x[:, 2:] + _add_to(part, part * part) * x[:, :2],
}


@pytest.mark.parametrize("name", list(SHARING))
def test_what_shares_memory_sees_what_was_added(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = Calling(SHARING[name])
    assert torch.equal(record(module, X).output_tensor, module(X))
    assert described(record(module, X)) == described(told(module, X, monkeypatch))


def test_what_a_module_adds_to_its_own_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    module, other = Adding(), Adding()
    with torch.no_grad():
        expected = other(X)
    addresses = [one.data_ptr() for one in (module.total, module.weight)]
    tape = record(module, X)
    assert torch.equal(tape.output_tensor, expected)
    assert described(tape) == described(told(module, X, monkeypatch))
    assert [one.data_ptr() for one in (module.total, module.weight)] == addresses
    assert bool((module.total == 1).all() and (module.weight == 1).all())
