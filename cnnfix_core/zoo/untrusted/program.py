"""A program of tensor operations that runs as a network, operation by operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.untrusted import guards

# Limits for one picture: computed numbers, and floating-point operations.
MAX_NUMBERS = 2_000_000_000
MAX_WORK = 2_000_000_000_000


@dataclass(frozen=True, slots=True)
class Named:
    """A reference to a value, by name, in an operation's arguments."""

    name: str


DEVICE = Named("the picture's device")  # in place of the device that the program was exported on


class ProgramNode(nn.Module):
    """One operation. It is a module so that its output has a name and hooks can be registered."""

    def __init__(self, call: Callable[..., Any], args: list[Any], options: dict[str, Any], outputs: list[str]) -> None:
        super().__init__()
        guards.check_codes(call, args, options)
        self.call = call
        self.args = args
        self.options = options
        self.outputs = outputs

    def names(self) -> set[str]:
        """Names of the values that it reads and computes."""
        return {item.name for item in flat([self.args, self.options]) if isinstance(item, Named)} | {*self.outputs}

    def forward(self, values: dict[str, Any]) -> Any:
        """Run the operation on its arguments from `values`."""
        args, options = _filled(self.args, values), _filled(self.options, values)
        guards.check(self.call, args, options)
        result = self.call(*args, **options)
        if isinstance(result, int) and abs(result) >= 1 << 62:
            raise OverflowError("a size is too large")
        return result


class Program(nn.Module):
    """The operations in order. Takes (N, channels, H, W) pictures and returns its output, or a tuple of several.

    Attributes:
        picture: The name of the input.
        outputs: The names of what it returns.
        together: Whether the program accepts batches. One exported with a single picture may not; then pictures run
            one by one.
    """

    def __init__(
        self, steps: dict[str, ProgramNode], weights: dict[str, Tensor], picture: str, outputs: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.together = True
        self.picture, self.outputs = picture, outputs
        self._weights = {name: f"weight {name}" for name in weights}
        for name, tensor in weights.items():
            self.register_buffer(self._weights[name], tensor)
        for name, step in steps.items():
            self.add_module(name, step)
        self._steps = tuple(steps)
        self._last_use = {value: name for name, step in steps.items() for value in step.names()}

    def steps(self) -> dict[str, ProgramNode]:
        """The operations by name, in order."""
        return {name: cast(ProgramNode, self._modules[name]) for name in self._steps}

    def weights(self) -> dict[str, Tensor]:
        """Parameters, buffers and constants, by their names in the program."""
        return {name: self.get_buffer(stored) for name, stored in self._weights.items()}

    @property
    def dtype(self) -> torch.dtype:
        """The type of the weights' numbers, and so of the pictures'."""
        return next((one.dtype for one in self.buffers() if one.is_floating_point()), torch.float32)

    def forward(self, pictures: Tensor) -> Tensor | tuple[Tensor, ...]:
        """What the program returns for a batch of pictures."""
        found = self.run(pictures) if self.together else joined([self.run(picture) for picture in pictures.split(1)])
        return found[0] if len(found) == 1 else found

    def run(self, pictures: Tensor, watch: Callable[[Any], None] = lambda result: None) -> tuple[Tensor, ...]:
        """Run all operations; `watch` is called with each result."""
        values: dict[str, Any] = self.weights()
        values |= {self.picture: pictures, DEVICE.name: pictures.device}
        for name, step in self.steps().items():
            result = step(values)
            watch(result)
            results = result if isinstance(result, (tuple, list)) else [result]
            values.update(zip(step.outputs, results, strict=True))
            for used in step.names():
                if self._last_use[used] == name and used not in self.outputs:
                    values.pop(used, None)
        return tuple(values[name] for name in self.outputs)


def joined(separate: Sequence[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Each output of pictures that ran one by one, as of one batch; a single number for a picture counts as a row."""
    return tuple(
        torch.cat([part if part.ndim else part[None] for part in parts]) for parts in zip(*separate, strict=True)
    )


def try_without_memory(program: Program, shape: tuple[int, int, int], name: str) -> None:
    """Run the program on shapes only. Raises ModelError if it fails, or needs too much memory or time."""
    numbers = 0

    def watch(result: Any) -> None:
        nonlocal numbers
        numbers += sum(tensor.numel() for tensor in flat([result]) if isinstance(tensor, Tensor))
        if numbers > MAX_NUMBERS:
            raise ModelError(f"{name} computes more than {MAX_NUMBERS / 1e9:g} billion numbers for one picture.")

    try:
        with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True), FlopCounterMode(display=False) as work:
            program.run(torch.empty(1, *shape, dtype=program.dtype), watch)
    except ModelError:
        raise
    except Exception as error:  # operations fail in many ways
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{name} does not work for one picture ({reason[:200]}): export it with one, or with a dynamic batch."
        ) from error
    if work.get_total_flops() > MAX_WORK:
        raise ModelError(
            f"{name} takes too long for one picture: at most {MAX_WORK / 1e12:g} T operations are allowed."
        )


def takes_several(program: Program, shape: tuple[int, int, int]) -> bool:
    """Whether a batch of two pictures gives the same scores as the two pictures one by one."""
    pair = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)).to(program.dtype)
    with torch.no_grad():
        try:
            separate = joined([program.run(one) for one in pair.split(1)])
            together = program.run(pair)
        except (RuntimeError, IndexError, ValueError):  # as operations fail
            return False
    return all(map(_alike, separate, together))


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol=1e-3, atol=1e-4)


def flat(tree: Any, dictionaries: bool = False) -> Iterator[Any]:
    """The leaves of nested lists, tuples and dictionaries; optionally also the dictionaries themselves."""
    waiting = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item.values())
            if dictionaries:
                yield item
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
        else:
            yield item


def _filled(tree: Any, values: dict[str, Any]) -> Any:
    """The arguments with names replaced by their values."""
    if isinstance(tree, Named):
        return values[tree.name]
    if isinstance(tree, list):
        return [_filled(item, values) for item in tree]
    return {key: _filled(item, values) for key, item in tree.items()} if isinstance(tree, dict) else tree
