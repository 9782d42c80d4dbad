"""Model: a network with all that is needed to ask it about a picture."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL.Image import Image
from torch import Tensor, nn

from cnnfix_core.errors import TargetError


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The classes of a model: every name a class goes by, and what is meant by it.

    synonyms: one string a class, names separated by ", ". definitions: one sentence a class, or "".
    """

    synonyms: tuple[str, ...]
    definitions: tuple[str, ...]
    short: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        first = [names.split(", ")[0] for names in self.synonyms]
        times = Counter(name.lower() for name in first)
        short = (
            f"{name} ({definition.split(';')[0]})" if times[name.lower()] > 1 and definition else name
            for name, definition in zip(first, self.definitions, strict=True)
        )
        object.__setattr__(self, "short", tuple(short))

    def __len__(self) -> int:
        return len(self.synonyms)

    def find(self, target: int | str) -> int:
        """Index of a class, given as its index or by one of its names. Raises TargetError."""
        if not isinstance(target, str) or target.strip().removeprefix("-").isdecimal():
            index = int(target)
            if not 0 <= index < len(self):
                raise TargetError(f"There is no class {index}: the model has {len(self)}, from 0 to {len(self) - 1}.")
            return index
        wanted = target.strip().lower()
        # A short name, under which a class is shown, may be another one's synonym.
        matches = [i for i, name in enumerate(self.short) if wanted == name.lower()]
        matches = matches or [i for i in range(len(self)) if wanted in self._names(i)]
        if len(matches) == 1:
            return matches[0]
        if matches:
            listed = "; ".join(f"{i}: {self.short[i]}" for i in matches)
            raise TargetError(f"{target!r} names several classes, give the number of one: {listed}.")
        known = {name for i in range(len(self)) for name in self._names(i)}
        close = difflib.get_close_matches(wanted, known, 3)
        hint = f"Did you mean {' or '.join(close)}?" if close else "Give a class number, or another name."
        raise TargetError(f"The model has no class called {target!r}. {hint}")

    def _names(self, index: int) -> set[str]:
        names = self.synonyms[index].lower()
        return {names, *names.split(", ")}


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A network, ready to be asked.

    preprocess: from an RGB picture of `input_size` (height, width) to the network's input, (3, H, W).
    crop_pct: part of the scaled picture's short side that a centre crop keeps. interpolation: a Pillow filter's name.
    source: where the weights come from. licence: of the weights.
    """

    name: str
    title: str
    module: nn.Module
    preprocess: Callable[[Image], Tensor]
    labels: Labels
    input_size: tuple[int, int]
    crop_pct: float
    interpolation: str
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A name that `load_model` takes. available: whether its weights are on this machine."""

    name: str
    title: str
    source: str
    licence: str
    available: bool
