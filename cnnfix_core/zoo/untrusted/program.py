"""A program of tensor operations that runs, step by step, as a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from cnnfix_core.errors import ModelError

# What one picture may cost: numbers in memory, and additions and multiplications.
MAX_NUMBERS = 2_000_000_000
MAX_WORK = 2_000_000_000_000


@dataclass(frozen=True, slots=True)
class Named:
    """In an operation's arguments: the value of that name."""

    name: str


class ProgramNode(nn.Module):
    """One operation. A module, so that what it gives has a name, and hooks can be set on it."""

    def __init__(self, call: Callable[..., Any], args: list[Any], options: dict[str, Any], outputs: list[str]) -> None:
        super().__init__()
        self.call = call
        self.args = args
        self.options = options
        self.outputs = outputs

    def names(self) -> set[str]:
        """Names of the values that it reads and gives."""
        return {item.name for item in flat([self.args, self.options]) if isinstance(item, Named)} | {*self.outputs}

    def forward(self, values: dict[str, Any]) -> Any:
        """What the operation gives for its arguments among the values."""
        result = self.call(*_filled(self.args, values), **_filled(self.options, values))
        if isinstance(result, int) and abs(result) >= 1 << 62:
            raise OverflowError("a size is too large")
        return result


class Program(nn.Module):
    """The operations in their order. Takes (N, 3, H, W) pictures and gives the first output.

    together: whether a batch can go through at once. A program that was exported with one picture may not take
    several; then they go through one by one.
    """

    def __init__(self, steps: dict[str, ProgramNode], weights: dict[str, Tensor], picture: str, output: str) -> None:
        super().__init__()
        self.together = True
        self._picture, self._output = picture, output
        self._weights = {name: f"weight {name}" for name in weights}
        for name, tensor in weights.items():
            self.register_buffer(self._weights[name], tensor)
        for name, step in steps.items():
            self.add_module(name, step)
        self._steps = tuple(steps)
        self._last_use = {value: name for name, step in steps.items() for value in step.names()}

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores of a batch of pictures."""
        if self.together:
            return self.run(pictures)
        return torch.cat([self.run(picture) for picture in pictures.split(1)])

    def run(self, pictures: Tensor, watch: Callable[[Any], None] = lambda result: None) -> Tensor:
        """Run all operations; `watch` sees what each one gives."""
        values: dict[str, Any] = {name: self.get_buffer(stored) for name, stored in self._weights.items()}
        values[self._picture] = pictures
        for name in self._steps:
            step = cast(ProgramNode, self._modules[name])
            result = step(values)
            watch(result)
            results = result if isinstance(result, (tuple, list)) else [result]
            values.update(zip(step.outputs, results, strict=True))
            for used in step.names():
                if self._last_use[used] == name and used != self._output:
                    values.pop(used, None)
        scores: Tensor = values[self._output]
        return scores


def try_without_memory(program: Program, size: tuple[int, int], name: str) -> None:
    """Run it on shapes alone: finds what cannot work, and what would take too much memory or time."""
    numbers = 0

    def watch(result: Any) -> None:
        nonlocal numbers
        numbers += sum(tensor.numel() for tensor in flat([result]) if isinstance(tensor, Tensor))
        if numbers > MAX_NUMBERS:
            raise ModelError(f"{name} computes more than {MAX_NUMBERS / 1e9:g} billion numbers for one picture.")

    try:
        with torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True), FlopCounterMode(display=False) as work:
            program.run(torch.empty(1, 3, *size), watch)
    except ModelError:
        raise
    except Exception as error:  # whatever its operations complain about
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{name} does not work for one picture ({reason[:200]}): export it with one, or with a dynamic batch."
        ) from error
    if work.get_total_flops() > MAX_WORK:
        raise ModelError(
            f"{name} computes too long for one picture: at most {MAX_WORK / 1e12:g} T operations are let in."
        )


def takes_several(program: Program, size: tuple[int, int]) -> bool:
    """Whether two pictures give together what they give apart."""
    pair = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        apart = [program.run(one) for one in pair.split(1)]
        try:
            together = program.run(pair)
        except RuntimeError:
            return False
    return together.shape[:1] == (2,) and torch.allclose(torch.cat(apart), together, rtol=1e-3, atol=1e-4)


def flat(tree: Any, dictionaries: bool = False) -> Iterator[Any]:
    """The leaves of lists, tuples and dictionaries; with the dictionaries themselves, if asked."""
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
    """The arguments with values in the places of their names."""
    if isinstance(tree, Named):
        return values[tree.name]
    if isinstance(tree, list):
        return [_filled(item, values) for item in tree]
    return {key: _filled(item, values) for key, item in tree.items()} if isinstance(tree, dict) else tree
