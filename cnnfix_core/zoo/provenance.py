"""How results were computed: package versions and a digest of the weights."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import torch

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import Model

# Packages that affect the maps.
_PACKAGES = ("cnnfix", "torch", "torchvision", "timm", "captum", "torchcam", "numpy", "scipy", "pillow")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of an object in memory


def versions() -> dict[str, str]:
    """The installed versions of this package and of the packages that affect the maps."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # for example when run from a checkout that is not installed
            found[package] = "not installed"
    return found


def reading_of(model: Model) -> str:
    """What decides a model's results besides its weights: layers, class names, how pictures and scores are read."""
    where = "a function" if callable(model.output) else model.output
    layers = _ADDRESS.sub("", str(model.module))  # networks of other layers may have weights of the same shapes
    named = f"layers {_digest(layers)}, labels {_digest(repr(model.labels))}"
    return f"{model.meaning}, output {where}, {model.preprocess}, {named}"


class SameModel:
    """Loads a model, in this process and others, and refuses it if its files have changed since the first time.

    Attributes:
        weights: `digest_of` the model; "" before it was loaded.
        reading: `reading_of` it.
    """

    def __init__(self, load: Callable[[], Model]) -> None:
        self._load = load
        self.weights = self.reading = ""

    def __call__(self) -> Model:
        """The model. Raises ModelError."""
        model = self._load()
        found = digest_of(model), reading_of(model)
        if self.weights and found != (self.weights, self.reading):
            raise ModelError(f"The files of {model.title} have changed since this run began: start it again.")
        self.weights, self.reading = found
        return model


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def digest_of(model: Model) -> str:
    """SHA-256, in hex, of a model's parameters and buffers, including their names and shapes."""
    digest = hashlib.sha256()
    for name, tensor in model.module.state_dict().items():
        if not isinstance(tensor, torch.Tensor):  # what a module keeps besides
            continue
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
