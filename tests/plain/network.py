"""A slow, plain walk through a whole network, written from the definitions, to compare the engine with.

It shares nothing with the engine: the network is traced by torch.fx and run node by node, and the walk goes from node
to node with dictionaries. Every rule looks at one element at a time. Written for AlexNet, VGG, GoogLeNet, ResNet and
DenseNet: it knows their operations only.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, fx, nn

Array = NDArray[np.float64]
# (batch, channel, y, x) on a map, (batch, feature) on a vector.
Place = tuple[int, ...]
# What was reached in one tensor: place -> sign -> evidence.
Selection = dict[Place, dict[int, float]]
# One step back: in which node's output, at which place, with which sign, with how much evidence.
Step = tuple[fx.Node, Place, int, float]

OPERATIONS: dict[Any, str] = {
    nn.Conv2d: "convolution",
    nn.Linear: "fully_connected",
    nn.MaxPool2d: "max_pool",
    nn.AvgPool2d: "average_pool",
    nn.AdaptiveAvgPool2d: "average_pool",
    F.adaptive_avg_pool2d: "average_pool",
    nn.BatchNorm2d: "batch_norm",
    nn.ReLU: "same",
    F.relu: "same",
    nn.Dropout: "same",
    operator.add: "addition",
    torch.cat: "concatenation",
    torch.flatten: "flatten",
}


class Recorder(fx.Interpreter):
    """Runs a traced module and keeps a copy of every node's output, as it was before anything wrote into it."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.values: dict[fx.Node, Array] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        self.values[n] = result.numpy().copy()
        return result


class Walk(ABC):
    """A walk from `target`, an element of the output, back to the image. `selections`: what it reached, by node."""

    def __init__(self, module: nn.Module, image: Tensor, target: Place) -> None:
        self.traced = fx.symbolic_trace(module.eval())
        self.nodes = list(self.traced.graph.nodes)
        recorder = Recorder(self.traced)
        with torch.no_grad():
            recorder.run(image)
        self.values = recorder.values
        self.selections: dict[fx.Node, Selection] = {}
        self._run(target)

    def _run(self, target: Place) -> None:
        brought: dict[fx.Node, Selection] = defaultdict(lambda: defaultdict(lambda: defaultdict(float)))
        brought[self.nodes[-1].args[0]][target][+1] = 1.0
        # The graph is in the order of the computation: when a node's turn comes, all its consumers had theirs.
        for node in reversed(self.nodes):
            if node not in brought:
                continue
            self.selections[node] = self.prune(brought[node])
            if node.op != "placeholder":
                steps = list(self._steps(node))
                # Elements to which nothing contributes fall out; the others take over what they had.
                total = sum(evidence for signs in self.selections[node].values() for evidence in signs.values())
                came = sum(evidence for *_, evidence in steps)
                for source, place, sign, evidence in steps:
                    brought[source][place][sign] += evidence * total / came

    def _steps(self, node: fx.Node) -> Iterator[Step]:
        what = type(self.module(node)) if node.op == "call_module" else node.target
        rule = getattr(self, OPERATIONS[what])
        for place, signs in self.selections[node].items():
            for sign, evidence in signs.items():
                yield from rule(node, place, sign, evidence)

    @property
    def arrived(self) -> Selection:
        """What was reached in the image."""
        return self.selections.get(self.nodes[0], {})

    def module(self, node: fx.Node) -> Any:
        return self.traced.get_submodule(str(node.target))

    def source(self, node: fx.Node) -> tuple[fx.Node, Array]:
        """The node's input, and its values."""
        return node.args[0], self.values[node.args[0]]

    def window(self, node: fx.Node, place: Place, outside: float) -> tuple[Array, int, int]:
        """What the output at `place` sees: (channels, height, width), and the image row and column of its first place.

        `outside` stands where the window reaches over the edge of the map.
        """
        module, (_, values) = self.module(node), self.source(node)
        (height, width), (down, right), (above, before) = map(pair, (module.kernel_size, module.stride, module.padding))
        batch, _, y, x = place
        top, left = y * down - above, x * right - before
        seen = np.full((values.shape[1], height, width), outside, np.float64)
        for i in range(height):
            for j in range(width):
                if 0 <= top + i < values.shape[2] and 0 <= left + j < values.shape[3]:
                    seen[:, i, j] = values[batch, :, top + i, left + j]
        return seen, top, left

    def averaged(self, node: fx.Node, place: Place) -> tuple[Array, int, int]:
        """What an average pooling's output at `place` is the average of: (height, width), first row and column."""
        module = self.module(node) if node.op == "call_module" else None
        if isinstance(module, nn.AvgPool2d):
            assert pair(module.padding) == (0, 0)
            seen, top, left = self.window(node, place, outside=np.nan)
            return seen[place[1]], top, left
        values, pooled = self.source(node)[1], self.values[node]
        batch, channel, y, x = place
        (top, bottom), (left, right) = (
            (i * size // out, -(-(i + 1) * size // out))
            for i, size, out in zip((y, x), values.shape[2:], pooled.shape[2:], strict=True)
        )
        return values[batch, channel, top:bottom, left:right], top, left

    # The rules that all walks share.

    def same(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        yield node.args[0], place, sign, evidence

    def flatten(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        source, values = self.source(node)
        batch, feature = place
        inner = np.unravel_index(feature, values.shape[1:])
        yield source, (batch, *map(int, inner)), sign, evidence

    def concatenation(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """The channel says which branch it came from."""
        batch, channel, y, x = place
        for source in node.args[0]:
            channels = self.values[source].shape[1]
            if channel < channels:
                yield source, (batch, channel, y, x), sign, evidence
                return
            channel -= channels

    def max_pool(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """The place of the largest activation."""
        batch, channel, _, _ = place
        seen, top, left = self.window(node, place, outside=-np.inf)
        i, j = largest(seen[channel])
        yield node.args[0], (batch, channel, top + i, left + j), sign, evidence

    # The rules in which they differ.

    @abstractmethod
    def prune(self, selection: Selection) -> Selection: ...

    @abstractmethod
    def convolution(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]: ...

    @abstractmethod
    def fully_connected(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]: ...

    @abstractmethod
    def average_pool(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]: ...

    @abstractmethod
    def addition(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]: ...

    @abstractmethod
    def batch_norm(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]: ...


class Published(Walk):
    """The algorithm of the paper: sets of places. Sign and evidence are handed on as they are and mean nothing."""

    def prune(self, selection: Selection) -> Selection:
        """No beam. Duplicates are merged: a dictionary has none."""
        return selection

    def convolution(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """The channel with the largest sum of activation x weight; the centre of the window.

        In a residual branch: the place of that channel's largest activation in the window.
        """
        batch, output, _, _ = place
        seen, top, left = self.window(node, place, outside=0)
        products = seen * filter_of(self.module(node), output)
        channel = int(products.sum(axis=(1, 2)).argmax())
        if self.in_residual_branch(node):
            # The largest of those in the map: zero padding is no activation.
            inside, _, _ = self.window(node, place, outside=-np.inf)
            i, j = largest(inside[channel])
        else:
            _, height, width = seen.shape
            i, j = (height - 1) // 2, (width - 1) // 2
        reached = (batch, channel, top + i, left + j)
        if inside_of(self.source(node)[1], reached):
            yield node.args[0], reached, sign, evidence

    def fully_connected(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """On a flattened map the one largest activation x weight, otherwise every positive one."""
        source, values = self.source(node)
        batch, output = place
        products = values[batch] * self.module(node).weight.detach().numpy()[output]
        chosen = [products.argmax()] if self.is_flattened_map(source) else np.flatnonzero(products > 0)
        for feature in chosen:
            yield source, (batch, int(feature)), sign, evidence

    def average_pool(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """The place of the largest activation, as for max pooling; global or not."""
        batch, channel, _, _ = place
        seen, top, left = self.averaged(node, place)
        i, j = largest(seen)
        yield node.args[0], (batch, channel, top + i, left + j), sign, evidence

    def addition(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """The branch with the larger value; on a tie the skip, which is the branch with fewer operations."""
        skip, residual = sorted(node.args, key=lambda summand: len(self.branches[node][summand]))
        larger = residual if self.values[residual][place] > self.values[skip][place] else skip
        yield larger, place, sign, evidence

    def batch_norm(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """Passes, whatever the scale."""
        return self.same(node, place, sign, evidence)

    def is_flattened_map(self, node: fx.Node) -> bool:
        """Whether the vector is a map of more than one place, flattened; dropout may lie in between."""
        while node.op == "call_module" and isinstance(self.module(node), nn.Dropout):
            node = node.args[0]
        return node.target is torch.flatten and self.source(node)[1][0, 0].size > 1

    @cached_property
    def branches(self) -> dict[fx.Node, dict[fx.Node, set[fx.Node]]]:
        """For each addition, for each of its two summands: the nodes between it and where the summands part."""
        found = {}
        for addition in self.nodes:
            if addition.target is operator.add:
                first, second = (ancestors(summand) for summand in addition.args)
                found[addition] = dict(zip(addition.args, (first - second, second - first), strict=True))
        return found

    def in_residual_branch(self, node: fx.Node) -> bool:
        return any(node in branch for summands in self.branches.values() for branch in summands.values())


class Evidence(Walk):
    """The walk with signs, shared evidence and a beam. A contribution is sign x weight x activation."""

    def __init__(self, module: nn.Module, image: Tensor, target: Place, fan_out: int, beam: int) -> None:
        self.fan_out, self.beam = fan_out, beam
        super().__init__(module, image, target)

    def prune(self, selection: Selection) -> Selection:
        """The `beam` strongest stay and are scaled so that the total is kept; of equals the one that comes first."""
        entries = [(-e, place, sign) for place, signs in selection.items() for sign, e in signs.items()]
        kept = sorted(entries)[: self.beam]
        scale = sum(e for e, _, _ in entries) / sum(e for e, _, _ in kept)
        pruned: Selection = defaultdict(dict)
        for negative, place, sign in kept:
            pruned[place][sign] = -negative * scale
        return pruned

    def shared(self, source: fx.Node, contributions: dict[Place, float], evidence: float) -> Iterable[Step]:
        """The positive ones of these contributions share the evidence in proportion.

        An activation that is high is asked why it is high, one that is low why it is low.
        """
        total = sum(c for c in contributions.values() if c > 0)
        for place, contribution in contributions.items():
            if contribution > 0:
                sign = 1 if self.values[source][place] > 0 else -1
                yield source, place, sign, evidence * contribution / total

    def convolution(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """The k largest positive contributions, whatever their channel and place."""
        batch, output, _, _ = place
        seen, top, left = self.window(node, place, outside=0)
        products = sign * seen * filter_of(self.module(node), output)
        descending = np.argsort(-products, axis=None, kind="stable")
        contributions = {}
        for number in descending[: self.fan_out]:
            c, i, j = map(int, np.unravel_index(number, products.shape))
            contributions[batch, c, top + i, left + j] = float(products[c, i, j])
        return self.shared(node.args[0], contributions, evidence)

    def fully_connected(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """All positive contributions."""
        source, values = self.source(node)
        batch, output = place
        products = sign * values[batch] * self.module(node).weight.detach().numpy()[output]
        contributions = {(batch, int(feature)): float(products[feature]) for feature in np.flatnonzero(products > 0)}
        return self.shared(source, contributions, evidence)

    def average_pool(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """Over the whole map all positive contributions, over a window the k largest positive ones."""
        batch, channel, _, _ = place
        seen, top, left = self.averaged(node, place)
        contributions = {
            (batch, channel, top + i, left + j): sign * float(value) for (i, j), value in np.ndenumerate(seen)
        }
        if self.values[node].shape[2:] != (1, 1):
            descending = sorted(contributions, key=lambda at: (-contributions[at], at))
            contributions = {at: contributions[at] for at in descending[: self.fan_out]}
        return self.shared(node.args[0], contributions, evidence)

    def addition(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """Both branches share if both contribute positively."""
        contributions = {branch: max(sign * float(self.values[branch][place]), 0) for branch in node.args}
        total = sum(contributions.values())
        for branch, contribution in contributions.items():
            if contribution > 0:
                child = 1 if self.values[branch][place] > 0 else -1
                yield branch, place, child, evidence * contribution / total

    def batch_norm(self, node: fx.Node, place: Place, sign: int, evidence: float) -> Iterable[Step]:
        """A negative scale turns the question around."""
        scale = self.module(node).weight[place[1]].item()
        yield node.args[0], place, -sign if scale < 0 else sign, evidence


def filter_of(module: nn.Conv2d, output: int) -> Array:
    """The (channels, height, width) weights of one output channel of a convolution."""
    assert module.groups == 1
    assert module.dilation == (1, 1)
    return module.weight.detach().numpy()[output]


def largest(values: Array) -> tuple[int, int]:
    """Row and column of the largest value, of equals the first."""
    row, column = np.unravel_index(values.argmax(), values.shape)
    return int(row), int(column)


def inside_of(values: Array, place: Place) -> bool:
    return all(0 <= position < size for position, size in zip(place, values.shape, strict=True))


def ancestors(node: fx.Node) -> set[fx.Node]:
    """The node and all that it was computed from."""
    found = {node}
    waiting = [node]
    while waiting:
        for source in waiting.pop().all_input_nodes:
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size
