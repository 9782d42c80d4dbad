"""The base classes of all models: a network in memory, and a classifier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import Self

import torch
from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.labels import Labels


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
        return next(chain(self.module.parameters(), self.module.buffers()), torch.empty(0)).device

    @property
    def nbytes(self) -> int:
        """The memory that its parameters and buffers take, in bytes."""
        return sum(tensor.nbytes for tensor in chain(self.module.parameters(), self.module.buffers()))


class Classifier(LoadedNetwork):
    """A network that returns one score per class, (N, classes), for any kind of input.

    Each modality derives a frozen dataclass from this class. It needs a field `labels`, and a method `inputs` that
    returns the network's input on `device`. Then `cnnfix_core.explanations.ask` can record the network, find the
    class to explain, and walk back.

    Attributes:
        labels: The labels of its classes.
        probabilities: Whether its scores are probabilities rather than logits.
    """

    __slots__ = ()

    labels: Labels
    probabilities: bool = False

    def on(self, device: str) -> Self:
        """Move the weights to "cpu", "cuda" or "cuda:1". Raises ModelError if there is no such device."""
        try:
            return replace(self, module=self.module.to(device))
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ModelError(f"{self.title} cannot be moved to the device {device!r}: {reason}.") from error
