"""Model: a network with all that is needed to ask it about a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from PIL import Image
from torch import Tensor, nn

from cnnfix_core.engine import record
from cnnfix_core.errors import ModelError, RecordError
from cnnfix_core.images import Crops, Picture, View, views
from cnnfix_core.zoo.classifier import Classifier
from cnnfix_core.zoo.labels import Labels, numbered
from cnnfix_core.zoo.preprocessing import Preprocessing

IMAGENET = Preprocessing()

# What a network says of a picture: scores of classes (N, classes); {"out": (N, classes, H, W)}, those of each pixel;
# for each of a list of pictures {"boxes": (K, 4), "labels": (K,), "scores": (K,)}. The last two as torchvision has it.
Task = Literal["classification", "segmentation", "detection"]


@dataclass(frozen=True, slots=True, eq=False)
class Model(Classifier):
    """A network, ready to be asked.

    Attributes:
        preprocess: from an RGB picture of `input_size` (height, width) to the network's input, (3, H, W).
        source: where the weights come from.
        licence: of the weights.
        task: what the module says.
        probabilities: its scores are probabilities, not logits.
        whole: it is asked about whole pictures only.
    """

    preprocess: Preprocessing
    labels: Labels
    source: str
    licence: str
    task: Task = "classification"
    probabilities: bool = False
    whole: bool = False

    @classmethod
    def of(
        cls,
        module: nn.Module,
        labels: Labels | None = None,
        preprocessing: Preprocessing = IMAGENET,
        name: str = "own model",
        source: str = "your own",
        licence: str = "your own",
    ) -> Model:
        """Any network that gives one score a class for a batch of pictures; it stays as it is, mode included.

        It runs once on a grey picture, which tells how many classes there are. labels: None for "class 0", "class 1"...
        Raises ModelError where it cannot take the picture, gives something else than one finite score a class, or
        the labels are not as many as the classes.
        """
        classes = _classes(module, preprocessing, name)
        labels = numbered(classes) if labels is None else labels
        if len(labels) != classes:
            raise ModelError(f"There are {len(labels)} labels, but {name} has {classes} classes: one label for each.")
        return cls(name, name, module, preprocessing, labels, source, licence)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        return self.preprocess.size

    def views(self, picture: Picture, crops: Crops) -> list[View]:
        """What it sees of a picture, as `images.views` cuts it, for its input's size.

        Raises ModelError where it does not give one score a class.
        """
        if self.task != "classification":
            raise ModelError(
                f"{self.title} says what is where: ask it about a pixel or a box, see `cnnfix_core.tasks`."
            )
        crops = "whole" if self.whole else crops
        return views(picture, crops, self.input_size, self.crop_pct, self.interpolation)

    def inputs(self, picture: Picture, seen: Sequence[View]) -> Tensor:
        """These views of a picture as the network takes them: (views, 3, H, W), where its weights are."""
        return torch.stack([self.preprocess(view.render(picture)) for view in seen]).to(self.device)

    @property
    def crop_pct(self) -> float:
        """Part of the scaled picture's short side that a centre crop keeps."""
        return self.preprocess.crop_pct

    @property
    def interpolation(self) -> str:
        """Name of a Pillow filter."""
        return self.preprocess.interpolation


def _classes(module: nn.Module, preprocessing: Preprocessing, name: str) -> int:
    height, width = preprocessing.size
    picture = preprocessing(Image.new("RGB", (width, height), "grey"))[None]
    try:
        scores = record(module, picture).output_tensor
    except RecordError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{name} cannot be asked about a picture of {width} x {height} pixels. {reason}") from error
    if scores.ndim != 2 or len(scores) != 1 or not scores.is_floating_point():
        shape = " x ".join(map(str, scores.shape)) or "a single number"
        raise ModelError(f"{name} gives {shape} for one picture; it must give 1 x the number of classes.")
    if not bool(torch.isfinite(scores).all()):
        raise ModelError(f"{name} gives scores that are NaN or infinite for a grey picture: check its weights.")
    return scores.shape[1]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A name that `load_model` takes.

    Attributes:
        available: whether its weights are on this machine.
        remedy: "" if they are, otherwise what to do, or what happens.
        parameters: how many numbers were learnt.
        size: bytes of the weights' file.
        accuracy: share of ImageNet's validation pictures whose class comes first, in %, as published. None: not
            stated by the source.
        task: of the model.
    """

    name: str
    title: str
    source: str
    licence: str
    available: bool
    parameters: int | None = None
    size: int | None = None
    accuracy: float | None = None
    remedy: str = ""
    task: Task = "classification"
