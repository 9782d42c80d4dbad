"""torchvision's weights: downloaded when a network is first used, then kept in PyTorch's cache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.zoo import architectures, state_dict
from cnnfix_core.zoo.download import DownloadProgress, FetchError, fetch, read_tensors
from cnnfix_core.zoo.labels import Labels, imagenet_labels
from cnnfix_core.zoo.model import Model, ModelInfo, Task
from cnnfix_core.zoo.preprocessing import Preprocessing

_TITLES = {
    "alexnet": "AlexNet",
    "convnext": "ConvNeXt",
    "deeplabv3": "DeepLab v3",
    "densenet": "DenseNet",
    "efficientnet": "EfficientNet",
    "fasterrcnn": "Faster R-CNN",
    "fcn": "FCN",
    "fcos": "FCOS",
    "googlenet": "GoogLeNet",
    "inception": "Inception",
    "lraspp": "LR-ASPP",
    "mc3": "MC3",
    "mnasnet": "MNASNet",
    "mobilenet": "MobileNet",
    "r2plus1d": "R(2+1)D",
    "r3d": "R3D",
    "regnet": "RegNet",
    "resnet": "ResNet",
    "resnext": "ResNeXt",
    "retinanet": "RetinaNet",
    "s3d": "S3D",
    "shufflenet": "ShuffleNet",
    "squeezenet": "SqueezeNet",
    "ssd": "SSD",
    "ssdlite": "SSDlite",
    "vgg": "VGG",
    "wide_resnet": "Wide ResNet",
}
# The input has the picture's aspect ratio, and this short side. Detectors scale and normalise it again.
_PREPROCESSING: dict[Task, Preprocessing] = {
    "segmentation": Preprocessing((520, 520)),
    "detection": Preprocessing((480, 480), mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
}
_LICENCE = "BSD 3-Clause, like torchvision; the terms of the training pictures may apply"


@dataclass(frozen=True, slots=True)
class PublishedWeights:
    """The weights that torchvision publishes for one of its networks."""

    name: str
    task: Task = "classification"

    @property
    def title(self) -> str:
        """The network's usual name: "VGG-16", "MobileNet v3 large"."""
        family = next(key for key in sorted(_TITLES, key=len, reverse=True) if self.name.startswith(key))
        rest = self.name.removeprefix(family)
        rest = re.sub(r"(?<!\d)(\d)_(\d)", r"\1.\2", rest).replace("_", " ")
        return _TITLES[family] + (f"-{rest}" if rest[:1].isdigit() else rest)

    @property
    def path(self) -> Path:
        """The path of the file, even if it does not exist yet."""
        return _folder() / self._url.rsplit("/", 1)[1]

    @property
    def weights(self) -> Any:
        """Torchvision's entry for the weights."""
        return architectures.published(self.name)

    @property
    def _url(self) -> str:
        return str(self.weights.url)

    def info(self) -> ModelInfo:
        """Torchvision's description of the weights, and whether their file is in the cache."""
        meta = self.weights.meta
        cached = self.path.is_file()
        size = self.path.stat().st_size if cached else round(meta["_file_size"] * 2**20)
        return ModelInfo(
            name=self.name,
            title=self.title,
            source=f"torchvision, {self.weights.name}",
            licence=meta.get("license", _LICENCE),
            available=cached,
            parameters=meta["num_params"],
            size=size,
            accuracy=meta["_metrics"].get("ImageNet-1K", {}).get("acc@1"),
            remedy="" if cached else f"Downloaded when it is first used: {_megabytes(size)}.",
            task=self.task,
        )

    def module(self, progress: DownloadProgress | None = None) -> nn.Module:
        """Build the network with these weights; downloads them if missing or damaged. Raises ModelError."""
        self._ensure_file(progress)
        module = architectures.build(self.name)
        state_dict.fill(module, read_tensors(self.path), self.title)
        return module.requires_grad_(False)

    def load(self, progress: DownloadProgress | None = None) -> Model:
        """Load the model. Raises ModelError like `module`."""
        module, info = self.module(progress), self.info()
        return Model(
            name=self.name,
            title=self.title,
            module=module,
            preprocess=_PREPROCESSING.get(self.task) or architectures.preprocessing_of(self.weights),
            labels=self._labels(),
            source=info.source,
            licence=info.licence,
            task=self.task,
        )

    def _labels(self) -> Labels:
        if self.task == "classification":
            return imagenet_labels()
        # COCO's class numbers have gaps, which torchvision names N/A.
        names = tuple("ground" if name == "__background__" else name for name in self.weights.meta["categories"])
        return Labels.of(names)

    def _ensure_file(self, progress: DownloadProgress | None) -> None:
        info = self.info()
        try:
            fetch(self._url, self.path, progress)
        except FetchError as error:
            state = "damaged" if self.path.is_file() else "not on this machine"
            raise ModelError(
                f"The weights of {self.title} are {state}, and could not be downloaded ({error}). Download the file "
                f"{self.path.name} ({_megabytes(info.size or 0)}) from {self._url} to the folder {self.path.parent}."
            ) from error


def _folder() -> Path:
    return Path(torch.hub.get_dir()) / "checkpoints"


def any_downloaded() -> bool:
    """Whether there may be weights on this machine."""
    return any(_folder().glob("*.pth"))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"


def entries() -> tuple[PublishedWeights, ...]:
    """Torchvision's convolutional classifiers, those of the paper first, then segmentation and detection networks."""
    others = (name for name in architectures.classifiers() if name not in architectures.PAPER)
    return (
        *(PublishedWeights(name) for name in (*architectures.PAPER, *others)),
        *(PublishedWeights(name, "segmentation") for name in architectures.segmenters()),
        *(PublishedWeights(name, "detection") for name in architectures.detectors()),
    )
