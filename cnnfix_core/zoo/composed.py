"""The small networks that this project trained on composed scenes; their weights lie in assets/networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from cnnfix_core.errors import ModelError
from cnnfix_core.samples import ASSETS
from cnnfix_core.scenes import CLASSES, SIDE
from cnnfix_core.zoo import small, states
from cnnfix_core.zoo.files import Progress, is_intact
from cnnfix_core.zoo.labels import Labels
from cnnfix_core.zoo.model import Model, ModelInfo
from cnnfix_core.zoo.preprocessing import Preprocessing

FOLDER = ASSETS / "networks"
PREPROCESSING = Preprocessing((SIDE, SIDE), mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25), interpolation="bicubic")
LABELS = Labels(
    CLASSES,
    (
        "a star with five points",
        "a disc with a wide round hole",
        "two bars of the same length that cross in their middle",
        "a disc that another disc has bitten into, like the new moon",
        "a shaft with a head",
        "a heart as on playing cards",
        "a band wound up two times",
        "five or six round petals around a hole",
        "a flash with two bends",
        "an oval body with a tail fin",
    ),
)


@dataclass(frozen=True, slots=True)
class SceneNetwork:
    """One of the small networks. build: the network with random weights for a number of classes."""

    name: str
    title: str
    build: Callable[[int], nn.Sequential]
    parameters: int

    @property
    def path(self) -> Path | None:
        """The file of the weights, NAME-0123abcd.safetensors (how its SHA-256 begins); None where there is none."""
        return next(FOLDER.glob(f"{self.name}-*.safetensors"), None)

    def info(self) -> ModelInfo:
        """Name, source, and whether the file is here."""
        path = self.path
        return ModelInfo(
            name=self.name,
            title=self.title,
            source="this project",
            licence="MIT",
            available=path is not None,
            parameters=self.parameters,
            size=path.stat().st_size if path else None,
            remedy="" if path else "Its file is missing from assets/networks: get the project's files again.",
        )

    def load(self, progress: Progress | None = None) -> Model:
        """Build the network and fill in the weights. Raises ModelError where their file is missing or damaged."""
        path = self.path
        if path is None:
            raise ModelError(
                f"The weights of {self.title} are missing from assets/networks: get the project's files again."
            )
        if not is_intact(path):
            raise ModelError(f"The weights of {self.title} are damaged: get the file {path.name} of the project again.")
        module = self.build(len(CLASSES))
        states.fill(module, load_file(path), self.title)
        info = self.info()
        return Model(
            name=self.name,
            title=self.title,
            module=module.requires_grad_(False).eval(),
            preprocess=PREPROCESSING,
            labels=LABELS,
            source=info.source,
            licence=info.licence,
        )


NETWORKS = (
    SceneNetwork("scenes_alexnet", "Scenes AlexNet", small.SmallAlexNet, 261_018),
    SceneNetwork("scenes_vgg", "Scenes VGG", small.SmallVGG, 196_994),
    SceneNetwork("scenes_googlenet", "Scenes GoogLeNet", small.SmallGoogLeNet, 131_730),
    SceneNetwork("scenes_resnet", "Scenes ResNet", small.SmallResNet, 209_274),
    SceneNetwork("scenes_densenet", "Scenes DenseNet", small.SmallDenseNet, 109_338),
    SceneNetwork("scenes_cleverhans", "Scenes clever Hans", small.SmallGoogLeNet, 131_730),
)
