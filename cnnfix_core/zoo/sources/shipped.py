"""Networks that this project trained itself; their weights lie in folders of assets/."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from cnnfix_core.zoo import state_dict
from cnnfix_core.zoo.download import DownloadProgress, project_file
from cnnfix_core.zoo.labels import Labels
from cnnfix_core.zoo.model import Model, ModelInfo, Task
from cnnfix_core.zoo.preprocessing import Preprocessing
from cnnfix_site import ASSETS


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """One of them. build: the network with random weights for a number of classes. inside: the folder of assets/."""

    name: str
    title: str
    build: Callable[[int], nn.Module]
    parameters: int
    labels: Labels
    preprocess: Preprocessing
    inside: str
    licence: str = "MIT"
    task: Task = "classification"

    @property
    def folder(self) -> Path:
        """Where its weights and its card are."""
        return ASSETS / self.inside

    @property
    def path(self) -> Path | None:
        """The file of the weights, NAME-0123abcd.safetensors (how its SHA-256 begins); None where there is none."""
        return next(self.folder.glob(self._pattern), None)

    @property
    def _pattern(self) -> str:
        return f"{self.name}-*.safetensors"

    def info(self) -> ModelInfo:
        """Name, source, and whether the file is here."""
        path = self.path
        return ModelInfo(
            name=self.name,
            title=self.title,
            source="this project",
            licence=self.licence,
            available=path is not None,
            parameters=self.parameters,
            size=path.stat().st_size if path else None,
            remedy="" if path else f"Its file is missing from assets/{self.inside}: get the project's files again.",
            task=self.task,
        )

    def load(self, progress: DownloadProgress | None = None) -> Model:
        """Build the network and fill in the weights. Raises ModelError where their file is missing or damaged."""
        what, where = f"The weights of {self.title} are", f"assets/{self.inside}"
        path = project_file(self.folder, self._pattern, what, where)
        module = self.build(len(self.labels))
        state_dict.fill(module, load_file(path), self.title)
        return Model(
            name=self.name,
            title=self.title,
            module=module.requires_grad_(False).eval(),
            preprocess=self.preprocess,
            labels=self.labels,
            source="this project",
            licence=self.licence,
            task=self.task,
        )
