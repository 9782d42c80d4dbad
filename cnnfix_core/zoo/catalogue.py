"""The catalogue of models: a new source is a tuple of entries with `info()` and `load()`, and one line here."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from cnnfix_core.errors import ModelError, did_you_mean
from cnnfix_core.zoo.download import DownloadProgress
from cnnfix_core.zoo.model import Model, ModelInfo
from cnnfix_core.zoo.sources import packaged, scenes, sketches, torchvision

DEFAULT = "efficientnet_lite0"


class Entry(Protocol):
    """One model of a source."""

    @property
    def name(self) -> str:
        """What `load_model` takes."""

    def info(self) -> ModelInfo:
        """What is known without loading it."""

    def load(self, progress: DownloadProgress | None = None) -> Model:
        """The model, ready to be asked."""


_TRAINED = (*scenes.NETWORKS, scenes.SEGMENTING, scenes.DETECTING, sketches.NETWORK)
_HERE: tuple[Entry, ...] = (*packaged.PACKAGED, *_TRAINED)
_BY_NAME = {entry.name: entry for entry in _HERE}


@cache
def _entries() -> dict[str, Entry]:
    return _BY_NAME | {entry.name: entry for entry in torchvision.entries()}


def _entry(name: str) -> Entry | None:
    # torchvision takes a second to import: only where its networks are asked for.
    return _BY_NAME.get(name) or _entries().get(name)


def list_models() -> tuple[ModelInfo, ...]:
    """The models that `load_model` takes.

    Returns:
        Those in packages, those trained in this project, those of the paper, then torchvision's others.
    """
    return tuple(entry.info() for entry in _entries().values())


def model_info(name: str) -> ModelInfo | None:
    """What is known of one of them; None where there is none of that name."""
    entry = _entry(name)
    return entry.info() if entry else None


def load_model(name: str = DEFAULT, progress: DownloadProgress | None = None) -> Model:
    """Load a model by name.

    Args:
        name: one of those that `list_models` gives.
        progress: where weights are downloaded, is called with the bytes done and the bytes in all, or None if unknown.

    Returns:
        The model, on the CPU.

    Raises:
        ModelError: there is no such model, or its weights are missing or damaged and cannot be downloaded.
    """
    entry = _entry(name)
    if entry is None:
        hint = did_you_mean(name, _entries(), "`cnnfix models` lists all; a file must exist.")
        raise ModelError(f"There is no model {name!r}. {hint}")
    return entry.load(progress)
