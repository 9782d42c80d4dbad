"""The base classes of all models: a network in memory, and a classifier. Networks are asked here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Self

import torch
from torch import Tensor, nn

from cnnfix_core.engine import Tape, go_on, left_alone, record, record_whole
from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.labels import Labels
from cnnfix_core.zoo.module_copy import with_weights
from cnnfix_core.zoo.scores import Meaning, Where, both_labels, log_probabilities, logits, probabilities, scores_in

_DEVICES = "cpu, cuda, cuda:1 or mps"


@dataclass(frozen=True, slots=True, eq=False)
class LoadedNetwork:
    """A network in memory.

    Attributes:
        name: A short name, for files and URLs.
        title: The name to show to people.
        module: The network.
    """

    name: str
    title: str
    module: nn.Module

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        return next(self._tensors(), torch.empty(0)).device

    @property
    def dtype(self) -> torch.dtype:
        """The type of its weights' numbers: float32, or half, bfloat16 or double."""
        return next((one.dtype for one in self._tensors() if one.is_floating_point()), torch.float32)

    @property
    def nbytes(self) -> int:
        """The memory that its parameters and buffers take, in bytes."""
        return sum(tensor.nbytes for tensor in self._tensors())

    def _tensors(self) -> Iterator[Tensor]:
        return chain(self.module.parameters(), self.module.buffers())

    def placed(self, inputs: Tensor) -> Tensor:
        """An input on the device of the network's weights, in the type of their numbers."""
        return inputs.to(self.device, self.dtype)

    def run(self, *inputs: Any, module: nn.Module | None = None) -> Any:
        """What the network returns, in evaluation mode; nothing about it changes.

        Args:
            inputs: Its input, `placed`.
            module: A copy of the network to run instead, with hooks of one's own.
        """
        module = self.module if module is None else module
        with left_alone(module):
            return module(*inputs)

    def on(self, device: str) -> Self:
        """The same on another device: "cpu", "cuda", "cuda:1" or "mps". The network itself is not moved.

        Raises:
            ModelError: There is no such device.
        """
        cannot = f"{self.title} cannot be moved to the device {device!r}"
        try:
            named = torch.device(device)
        except (RuntimeError, TypeError):
            raise ModelError(f"{cannot}: choose {_DEVICES}.") from None
        try:
            made = torch.zeros(1, device=named)
            there = made.device
            if not _holds_numbers(made):
                raise ModelError(f"{cannot}: choose {_DEVICES}.")
            if there == self.device:
                return self
            with torch.no_grad():
                return replace(self, module=with_weights(self.module, lambda tensor: tensor.to(there)))
        except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ModelError(f"{cannot}: {reason}.") from error


def _holds_numbers(tensor: Tensor) -> bool:
    """Whether its numbers can be read: the device "meta" has none."""
    try:
        tensor.tolist()
    except NotImplementedError:
        return False
    return True


class Classifier(LoadedNetwork):
    """A network that scores classes, for any kind of input.

    Each modality derives a frozen dataclass from this class. It needs a field `labels`, and a method `inputs` that
    returns the network's input, `placed`. Then `cnnfix_core.explanations.ask` can record the network, find the class to
    explain, and walk back.

    Attributes:
        labels: The labels of its classes. Two labels for one score are those of "no" and "yes".
        meaning: What its scores mean.
        output: Where the scores are in what it returns; None for the first tensor with one score per class.
        one_score: Whether it has one score for two labels.
        together: Whether several inputs in one batch get the scores that each gets alone; if not, they run one by one.
    """

    __slots__ = ()

    labels: Labels
    meaning: Meaning = "softmax"
    output: Where | None = None
    one_score: bool = False
    together: bool = True

    def scores(self, inputs: Tensor, module: nn.Module | None = None) -> Tensor:
        """The scores of a batch, (N, classes), float32 or float64, on the network's device; arguments as for `run`."""
        if not self.together and len(inputs) > 1:
            return torch.cat([self.scores(one, module) for one in inputs.split(1)])
        result = self.run(inputs.clone(), module=module)  # it may write to its input
        return self.scores_of(result, len(inputs))

    def scores_of(self, result: Any, pictures: int) -> Tensor:
        """The scores in what the network returned for a batch, (N, classes). Raises ModelError if there are none."""
        scores = scores_in(result, self.output, pictures)
        if self.one_score and scores.shape[1] == 1:
            scores = both_labels(scores, self.meaning)
        if scores.shape[1] != len(self.labels):
            raise ModelError(f"{self.title} returns {scores.shape[1]} scores for {len(self.labels)} labels.")
        return scores

    def top_score(self, result: Any) -> Tensor:
        """The highest score in what the network returned for one input, to see how far walks get."""
        return self.scores_of(result, 1).max()

    def record(self, inputs: Tensor, whole: bool = False, module: nn.Module | None = None) -> Tape:
        """The tape of a forward pass, whose output is the scores of the batch.

        Args:
            inputs: The batch, `placed`.
            whole: Keep all values of the tape.
            module: A copy of the network to record instead.
        """
        network = self.module if module is None else module
        if not self.together and len(inputs) > 1:
            return (record_whole if whole else record)(_OneByOne(self, network), inputs)
        tape = (record_whole if whole else record)(network, inputs)
        return go_on(tape, lambda result: self.scores_of(result, len(inputs)))

    def probabilities(self, scores: Tensor) -> Tensor:
        """The probability of each class, 0 to 1, from the scores of a batch: (N, classes)."""
        return probabilities(scores, self.meaning)

    def log_probabilities(self, scores: Tensor) -> Tensor:
        """The natural logarithm of each class's probability, from the scores of a batch: (N, classes)."""
        return log_probabilities(scores, self.meaning)

    def logits(self, scores: Tensor) -> Tensor:
        """Scores without bounds, from the scores of a batch: the same, or the log odds of probabilities."""
        return logits(scores, self.meaning)


class _OneByOne(nn.Module):
    """The scores of a batch from a network that takes one input at a time; its modules are called `network...` here."""

    def __init__(self, model: Classifier, network: nn.Module) -> None:
        super().__init__()
        self.network, self._scores_of = network, model.scores_of

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.cat([self._scores_of(self.network(one), 1) for one in inputs.split(1)])
