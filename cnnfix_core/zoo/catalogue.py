"""The catalogue of models. A new source needs a tuple of entries with `info()` and `load()`, and one line here."""

from __future__ import annotations

from functools import cache
from pathlib import Path
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
        """The argument for `load_model`."""

    def info(self) -> ModelInfo:
        """Describe the model without loading it."""

    def load(self, progress: DownloadProgress | None = None) -> Model:
        """Load the model."""


_TRAINED = (*scenes.NETWORKS, scenes.SEGMENTING, scenes.DETECTING, sketches.NETWORK)
_HERE: tuple[Entry, ...] = (*packaged.PACKAGED, *_TRAINED)
_BY_NAME = {entry.name: entry for entry in _HERE}


@cache
def _entries() -> dict[str, Entry]:
    return _BY_NAME | {entry.name: entry for entry in torchvision.entries()}


def _entry(name: str) -> Entry | None:
    # torchvision takes a second to import, so import it only when one of its networks is requested.
    return _BY_NAME.get(name) or _entries().get(name)


def list_models() -> tuple[ModelInfo, ...]:
    """List the models that `load_model` can load.

    Returns:
        First the models from packages, then those trained in this project, those of the paper, and torchvision's
        others.
    """
    return tuple(entry.info() for entry in _entries().values())


def models_here() -> tuple[ModelInfo, ...]:
    """List the models whose weights are on this machine, in the same order.

    Torchvision, which takes seconds to import, is only asked if PyTorch's cache holds any weights.
    """
    entries = _entries() if torchvision.any_downloaded() else _BY_NAME
    return tuple(info for entry in entries.values() if (info := entry.info()).available)


def model_info(name: str) -> ModelInfo | None:
    """Describe a model without loading it; None if there is no model of this name."""
    entry = _entry(name)
    return entry.info() if entry else None


def load_model(name: str = DEFAULT, progress: DownloadProgress | None = None) -> Model:
    """Load a model by name.

    Args:
        name: A name from `list_models`.
        progress: Called during a download with the bytes so far, and with the total or None if it is unknown.

    Returns:
        The model, on the CPU.

    Raises:
        ModelError: There is no such model, or its weights are missing or damaged and cannot be downloaded.
    """
    entry = _entry(name)
    if entry is None:
        otherwise = "List all models with `cnnfix models`; if you meant a file, it does not exist."
        if Path(name).is_file():
            otherwise = "It is a file: open it with cnnfix_core.open_own."
        hint = did_you_mean(name, _entries(), otherwise)
        raise ModelError(f"There is no model {name!r}. {hint}")
    return entry.load(progress)
