"""What every kind of model shares: a network in memory, and one that gives a score to each of its labels."""

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

    name: short, for files and addresses. title: what people read.
    """

    name: str
    title: str
    module: nn.Module

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(chain(self.module.parameters(), self.module.buffers()), torch.empty(0)).device

    @property
    def nbytes(self) -> int:
        """Bytes of its parameters and buffers in memory."""
        return sum(tensor.nbytes for tensor in chain(self.module.parameters(), self.module.buffers()))


class Classifier(LoadedNetwork):
    """A network that gives one score per class, (N, classes), whatever its input is.

    A modality derives a frozen dataclass from this. It must have a field `labels`, and a method `inputs` that turns
    one thing of the modality into the network's input, on `device`. Then `cnnfix_core.explanations.ask` finds the
    class that is meant by a target, records the network and walks back.

    probabilities: its scores are probabilities, not logits.
    """

    __slots__ = ()

    labels: Labels
    probabilities: bool = False

    def on(self, device: str) -> Self:
        """The same with its weights on "cpu", "cuda" or "cuda:1". Raises ModelError where there is no such device."""
        try:
            return replace(self, module=self.module.to(device))
        except (RuntimeError, AssertionError, NotImplementedError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ModelError(f"{self.title} cannot be moved to the device {device!r}: {reason}.") from error
