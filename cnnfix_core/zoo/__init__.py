"""Where models come from. A new source is a tuple of entries with `info()` and `load()`, and one line here."""

from __future__ import annotations

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.bundled import PACKAGED
from cnnfix_core.zoo.model import Labels, Model, ModelInfo

__all__ = ["DEFAULT", "Labels", "Model", "ModelInfo", "list_models", "load_model"]

DEFAULT = "efficientnet_lite0"

_ENTRIES = {entry.name: entry for entry in (*PACKAGED,)}


def list_models() -> tuple[ModelInfo, ...]:
    """The models that `load_model` takes, with source and licence, and whether their weights are on this machine."""
    return tuple(entry.info() for entry in _ENTRIES.values())


def load_model(name: str = DEFAULT) -> Model:
    """Load a model by name. Raises ModelError for an unknown name, and where the weights are missing or damaged."""
    if name not in _ENTRIES:
        raise ModelError(f"There is no model {name!r}; choose one of {', '.join(_ENTRIES)}.")
    return _ENTRIES[name].load()
