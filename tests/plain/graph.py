"""The forward pass, the gradient and winning probabilities of networks with branches, written from their definitions.

In double precision, one operation of the traced network after the other; neither the package nor autograd has a part.
What an operation computes as a sum goes over the places of its kernel, with all places of the map at once, so that
whole networks are done in a moment; `attributions.Chain` does the same for a chain of layers, an element at a time.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn
from torch.nn import functional

Numbers = NDArray[np.float64]


class Graph:
    """A network of convolutions, sums, ReLUs, pools and linear layers, as the small networks for scenes are."""

    def __init__(self, module: nn.Module) -> None:
        traced = fx.symbolic_trace(module.eval())
        self.nodes = [node for node in traced.graph.nodes if node.op != "output"]
        modules = dict(traced.named_modules())
        self.operations = {node: _operation(node, modules) for node in self.nodes[1:]}

    def run(self, picture: Numbers) -> Run:
        """A forward pass of (C, H, W)."""
        values = {self.nodes[0]: picture}
        for node, operation in self.operations.items():
            values[node] = operation.forward(*(values[source] for source in _sources(node)))
        return Run(self, values)

    def end(self, layer: str) -> fx.Node:
        """Where a module gives its output: its own last node, or that of the last one inside."""
        inside: list[fx.Node] = [node for node in self.nodes if layer in {name for name, _ in _stack(node)}]
        return inside[-1]


@dataclass(frozen=True, eq=False)
class Run:
    """What all nodes gave for one picture.

    asked: a weight for each class: 1 for the one, or 1 and -1 for "a rather than b".
    """

    graph: Graph
    values: dict[fx.Node, Numbers]

    @property
    def scores(self) -> Numbers:
        return self.values[self.graph.nodes[-1]]

    def of(self, layer: str) -> Numbers:
        return self.values[self.graph.end(layer)]

    def gradients(self, asked: Numbers, guided: bool = False) -> Arrived:
        """Of the score with respect to everything; guided: as Springenberg et al. 2015 change it."""

        def back(operation: Operation, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
            if guided and isinstance(operation, Rectified):
                came = np.maximum(came, 0)  # section 3.4: nothing negative gets through
            return operation.gradient(inputs, came)

        return self._down(asked, back)

    def winning(self, asked: Numbers, dual: bool = False) -> Arrived:
        """Marginal winning probabilities of everything (Zhang et al. 2018, eq. 2).

        dual: the last layer with the negative of its weights (section 3.3).
        """
        last = self.graph.operations[self.graph.nodes[-1]]

        def back(operation: Operation, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
            if dual and operation is last:
                assert isinstance(operation, Summed)
                operation = operation.negated()
            return operation.winning(inputs, came)

        return self._down(asked, back)

    def _down(self, asked: Numbers, back: Callable[[Operation, list[Numbers], Numbers], list[Numbers]]) -> Arrived:
        """From the scores to the picture, last operation first: when one's turn comes, all that use it had theirs."""
        came = {self.graph.nodes[-1]: asked}
        for node, operation in reversed(self.graph.operations.items()):
            sources = _sources(node)
            parts = back(operation, [self.values[source] for source in sources], came[node])
            for source, part in zip(sources, parts, strict=True):
                came[source] = came.get(source, 0) + part
        return Arrived(self.graph, came)

    def stuck(self, won: Arrived) -> dict[fx.Node, float]:
        """How much probability each operation cannot hand on."""
        return {
            node: operation.stuck([self.values[source] for source in _sources(node)], won.came[node])
            for node, operation in self.graph.operations.items()
        }


@dataclass(frozen=True, eq=False)
class Arrived:
    """What came back to each node."""

    graph: Graph
    came: dict[fx.Node, Numbers]

    @property
    def picture(self) -> Numbers:
        return self.came[self.graph.nodes[0]]

    def at(self, layer: str) -> Numbers:
        """At the output of a module."""
        return self.came[self.graph.end(layer)]


def _sources(node: fx.Node) -> list[fx.Node]:
    given = node.args[0] if node.target is torch.cat else node.args[:2]
    return [one for one in given if isinstance(one, fx.Node)]  # type: ignore[union-attr]


def _stack(node: fx.Node) -> list[tuple[str, Any]]:
    """The modules in which it runs: their names and classes."""
    return list(node.meta.get("nn_module_stack", {}).values())


# --- operations -------------------------------------------------------------------------------------------------------


class Operation(ABC):
    """One step. gradient, winning: what each input gets of what came to the output."""

    @abstractmethod
    def forward(self, *inputs: Numbers) -> Numbers: ...

    @abstractmethod
    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]: ...

    def winning(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        """An element that alone made another gets all that this one has."""
        return [came.reshape(inputs[0].shape)]

    def stuck(self, inputs: list[Numbers], came: Numbers) -> float:
        """How much came to elements of whose inputs none speaks for them."""
        return 0.0


@dataclass(frozen=True, eq=False)
class Summed(Operation):
    """Convolution, average pooling (a kernel that is the same everywhere) and linear layers (a kernel of one place).

    kernel: (outputs, inputs of a group, height, width).
    """

    kernel: Numbers
    bias: Numbers | float
    stride: int = 1
    padding: int = 0
    groups: int = 1
    flat: bool = False

    def negated(self) -> Summed:
        return Summed(-self.kernel, 0, self.stride, self.padding, self.groups, self.flat)

    def forward(self, *inputs: Numbers) -> Numbers:
        found: Numbers = self._sum(inputs[0], self.kernel) + np.reshape(self.bias, (-1, 1, 1))
        return found.reshape(-1) if self.flat else found

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return [self._spread(inputs[0], self.kernel, came)]

    def winning(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        """Each output's probability, in proportion to x+ w+ of its inputs."""
        x, total = np.maximum(inputs[0], 0), self._total(inputs[0])
        share = _over(came.reshape(total.shape), total)
        return [x * self._spread(x, np.maximum(self.kernel, 0), share)]

    def stuck(self, inputs: list[Numbers], came: Numbers) -> float:
        total = self._total(inputs[0])
        return float(came.reshape(total.shape)[total == 0].sum())

    def _total(self, x: Numbers) -> Numbers:
        return self._sum(np.maximum(x, 0), np.maximum(self.kernel, 0))

    def _sum(self, x: Numbers, kernel: Numbers) -> Numbers:
        padded = self._padded(_as_map(x))
        found = np.zeros((len(kernel), *self._size(padded)))
        for outputs, inputs, place, weights in self._places(kernel, found.shape[1:]):
            found[outputs] += np.tensordot(weights, padded[inputs][place], axes=1)
        return found

    def _spread(self, x: Numbers, kernel: Numbers, came: Numbers) -> Numbers:
        """The same sum turned round: what each input gets of each output."""
        came = _as_map(came)
        padded = np.zeros_like(self._padded(_as_map(x)))
        for outputs, inputs, place, weights in self._places(kernel, came.shape[1:]):
            padded[inputs][place] += np.tensordot(weights.T, came[outputs], axes=1)
        inner = slice(self.padding, -self.padding or None)
        found: Numbers = padded[:, inner, inner].reshape(x.shape)
        return found

    def _padded(self, x: Numbers) -> Numbers:
        return _padded(x, self.padding, 0)

    def _size(self, padded: Numbers) -> tuple[int, ...]:
        return tuple((n - k) // self.stride + 1 for n, k in zip(padded.shape[1:], self.kernel.shape[2:], strict=True))

    def _places(self, kernel: Numbers, size: tuple[int, ...]) -> Iterator[tuple[slice, slice, Any, Numbers]]:
        """Group after group and place after place of the kernel: outputs, inputs, where in the map, the weights."""
        outputs, inputs = len(kernel) // self.groups, kernel.shape[1]
        for group in range(self.groups):
            to = slice(group * outputs, (group + 1) * outputs)
            of = slice(group * inputs, (group + 1) * inputs)
            for place, y, x in _shifted(kernel.shape[2:], self.stride, size):
                yield to, of, place, kernel[to, :, y, x]


class Rectified(Operation):
    """ReLU."""

    def forward(self, *inputs: Numbers) -> Numbers:
        return np.maximum(inputs[0], 0)

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return [came * (inputs[0] > 0)]


@dataclass(frozen=True, eq=False)
class Scaled(Operation):
    """Batch normalisation with the statistics of training: a factor and a term for each channel."""

    factor: Numbers
    term: Numbers

    def forward(self, *inputs: Numbers) -> Numbers:
        return inputs[0] * self.factor[:, None, None] + self.term[:, None, None]

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return [came * self.factor[:, None, None]]


@dataclass(frozen=True)
class Largest(Operation):
    """Max pooling: the largest of each window, the first of several, gets everything."""

    side: int
    stride: int
    padding: int

    def forward(self, *inputs: Numbers) -> Numbers:
        found: Numbers = self._windows(inputs[0]).max(axis=0)
        return found

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        first = self._windows(inputs[0]).argmax(axis=0)
        padded = np.zeros_like(_padded(inputs[0], self.padding, 0))
        for number, place in enumerate(self._places(inputs[0])):
            padded[place] += came * (first == number)
        inner = slice(self.padding, -self.padding or None)
        return [padded[:, inner, inner]]

    def winning(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return self.gradient(inputs, came)

    def _windows(self, x: Numbers) -> Numbers:
        """(places of the window, C, h, w)."""
        padded = _padded(x, self.padding, -np.inf)
        return np.stack([padded[place] for place in self._places(x)])

    def _places(self, x: Numbers) -> list[Any]:
        size = tuple((n + 2 * self.padding - self.side) // self.stride + 1 for n in x.shape[1:])
        return [place for place, _, _ in _shifted((self.side, self.side), self.stride, size)]


class Added(Operation):
    """A sum of two maps of one shape."""

    def forward(self, *inputs: Numbers) -> Numbers:
        return inputs[0] + inputs[1]

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return [came, came]

    def winning(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        """Both weights are 1: in proportion to what is positive in each."""
        parts = [np.maximum(x, 0) for x in inputs]
        share = _over(came, parts[0] + parts[1])
        return [share * part for part in parts]

    def stuck(self, inputs: list[Numbers], came: Numbers) -> float:
        return float(came[(inputs[0] <= 0) & (inputs[1] <= 0)].sum())


class Joined(Operation):
    """Channels of several maps, one after the other."""

    def forward(self, *inputs: Numbers) -> Numbers:
        return np.concatenate(inputs)

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return np.split(came, np.cumsum([len(x) for x in inputs])[:-1])

    def winning(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return self.gradient(inputs, came)


@dataclass(frozen=True)
class Same(Operation):
    """The same numbers, in a row if flat."""

    flat: bool = False

    def forward(self, *inputs: Numbers) -> Numbers:
        return inputs[0].reshape(-1) if self.flat else inputs[0]

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return [came.reshape(inputs[0].shape)]


class Mean(Operation):
    """The mean over all places: an average pool as large as the map."""

    def forward(self, *inputs: Numbers) -> Numbers:
        return self._pool(inputs[0]).forward(inputs[0])

    def gradient(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return self._pool(inputs[0]).gradient(inputs, came)

    def winning(self, inputs: list[Numbers], came: Numbers) -> list[Numbers]:
        return self._pool(inputs[0]).winning(inputs, came)

    def stuck(self, inputs: list[Numbers], came: Numbers) -> float:
        return self._pool(inputs[0]).stuck(inputs, came)

    def _pool(self, x: Numbers) -> Summed:
        return _average(len(x), x.shape[1:], 1)


@dataclass(frozen=True)
class Averaged(Mean):
    """Average pooling of windows that do not overlap."""

    side: int

    def _pool(self, x: Numbers) -> Summed:
        return _average(len(x), (self.side, self.side), self.side)


def _average(channels: int, window: tuple[int, ...], stride: int) -> Summed:
    return Summed(np.full((channels, 1, *window), 1 / np.prod(window)), 0, stride, groups=channels)


def _over(came: Numbers, total: Numbers) -> Numbers:
    """came / total, 0 where the total is 0."""
    return np.divide(came, total, out=np.zeros_like(total), where=total > 0)


def _shifted(window: tuple[int, ...], stride: int, size: tuple[int, ...]) -> Iterator[tuple[Any, int, int]]:
    """For each place (y, x) of a window: the elements of a padded map that stand there, for all outputs."""
    for y, x in np.ndindex(window):
        yield np.s_[:, y : y + stride * size[0] : stride, x : x + stride * size[1] : stride], y, x


def _padded(x: Numbers, padding: int, value: float) -> Numbers:
    return np.pad(x, ((0, 0), (padding, padding), (padding, padding)), constant_values=value)


def _as_map(x: Numbers) -> Numbers:
    return x.reshape(-1, 1, 1) if x.ndim == 1 else x


def _operation(node: fx.Node, modules: dict[str, nn.Module]) -> Operation:
    if node.op != "call_module":
        return _FUNCTIONS[node.target]()
    module = modules[str(node.target)]
    operation: Operation = _OPERATIONS[type(module)](module)
    return operation


def _convolution(module: nn.Conv2d) -> Summed:
    bias = 0.0 if module.bias is None else _array(module.bias)
    return Summed(_array(module.weight), bias, module.stride[0], int(module.padding[0]), module.groups)


def _linear(module: nn.Linear) -> Summed:
    return Summed(_array(module.weight)[:, :, None, None], _array(module.bias), flat=True)


def _normalisation(module: Any) -> Scaled:
    factor = _array(module.weight) / np.sqrt(_array(module.running_var) + module.eps)
    return Scaled(factor, _array(module.bias) - factor * _array(module.running_mean))


def _array(parameter: torch.Tensor) -> Numbers:
    found: Numbers = parameter.detach().double().numpy()
    return found


_OPERATIONS: dict[type[nn.Module], Any] = {
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm2d: _normalisation,
    nn.MaxPool2d: lambda module: Largest(module.kernel_size, module.stride, module.padding),
    nn.AvgPool2d: lambda module: Averaged(module.kernel_size),
    nn.AdaptiveAvgPool2d: lambda _module: Mean(),
    nn.ReLU: lambda _module: Rectified(),
    nn.Flatten: lambda _module: Same(flat=True),
    nn.Dropout: lambda _module: Same(),
    nn.Identity: lambda _module: Same(),
}
_FUNCTIONS: dict[Any, Callable[[], Operation]] = {operator.add: Added, torch.cat: Joined, functional.relu: Rectified}
