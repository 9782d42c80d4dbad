"""A checkpoint: the tensors that a file of weights holds, by name, before anything is known about their network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file: its shape, and a function that reads it and raises ModelError if it is damaged."""

    shape: tuple[int, ...]
    read: Callable[[], Tensor]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a file of weights holds.

    Attributes:
        name: What the file is called, for messages.
        tensors: By name. Names of nested objects are joined by dots: `state_dict.model.conv1.weight`.
        others: What is no tensor, by name: the name of its class if it is an object, otherwise "".
    """

    name: str
    tensors: Mapping[str, Stored]
    others: Mapping[str, str] = field(default_factory=dict)
