"""Networks trained by this project, with weights in subfolders of assets/."""

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
    """A network trained by this project.

    Attributes:
        name: Name of the model.
        title: Title of the model.
        build: Builds the network with random weights for a number of classes.
        parameters: Number of learnt parameters.
        labels: The classes.
        preprocess: The preprocessing of pictures.
        inside: The folder in assets/ with its weights and its model card.
        licence: Of the weights.
        task: The network's task.
    """

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
        """The folder of its weights and its model card."""
        return ASSETS / self.inside

    @property
    def path(self) -> Path | None:
        """The weights file, NAME-0123abcd.safetensors with the start of its SHA-256; None if it is missing."""
        return next(self.folder.glob(self._pattern), None)

    @property
    def _pattern(self) -> str:
        return f"{self.name}-*.safetensors"

    def info(self) -> ModelInfo:
        """Name, source, and whether the file exists."""
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
        """Build the network and load its weights. Raises ModelError if their file is missing or damaged."""
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
