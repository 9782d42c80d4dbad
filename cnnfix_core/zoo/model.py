"""Model: a network with everything needed to classify pictures with it."""

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

# What a network returns. Classification: scores (N, classes). Segmentation: {"out": (N, classes, H, W)}, scores for
# each pixel. Detection: {"boxes": (K, 4), "labels": (K,), "scores": (K,)} for each picture in a list. The last two
# follow torchvision.
Task = Literal["classification", "segmentation", "detection"]


@dataclass(frozen=True, slots=True, eq=False)
class Model(Classifier):
    """A network for pictures, ready to use.

    Attributes:
        preprocess: Turns an RGB picture of `input_size` (height, width) into the network's input, (3, H, W).
        labels: The labels of its classes.
        source: Where the weights come from.
        licence: The licence of the weights.
        task: What the network predicts.
        probabilities: Whether its scores are probabilities rather than logits.
        whole: Whether it takes only whole pictures, never crops.
        notes: What of its file was taken, left out and assumed, in sentences.
    """

    preprocess: Preprocessing
    labels: Labels
    source: str
    licence: str
    task: Task = "classification"
    probabilities: bool = False
    whole: bool = False
    notes: tuple[str, ...] = ()

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
        """Make a model from any network that returns one score per class for a batch of pictures.

        The network is not changed; this includes its training mode. It runs once on a grey picture to find the number
        of classes.

        Args:
            module: The network.
            labels: One per class; None for "class 0", "class 1" and so on.
            preprocessing: How a picture becomes the network's input.
            name: The name of the model.
            source: Where the weights come from.
            licence: The licence of the weights.

        Raises:
            ModelError: The network cannot process the picture or does not return one finite score per class, or the
                number of labels differs from the number of classes.
        """
        classes = _classes(module, preprocessing, name)
        labels = numbered(classes) if labels is None else labels
        if len(labels) != classes:
            raise ModelError(
                f"There are {len(labels)} labels, but {name} has {classes} classes: give one label per class."
            )
        return cls(name, name, module, preprocessing, labels, source, licence)

    @property
    def input_size(self) -> tuple[int, int]:
        """The height and width of the network's input."""
        return self.preprocess.size

    def views(self, picture: Picture, crops: Crops) -> list[View]:
        """The parts of a picture that the network sees, as `images.views` crops them for its input size.

        Raises:
            ModelError: The model is not a classifier.
        """
        if self.task != "classification":
            raise ModelError(
                f"{self.title} is a network for {self.task}: explain a single pixel or box, see `cnnfix_core.tasks`."
            )
        crops = "whole" if self.whole else crops
        return views(picture, crops, self.input_size, self.crop_pct, self.interpolation)

    def inputs(self, picture: Picture, seen: Sequence[View]) -> Tensor:
        """The network's input for these views of a picture, (views, 3, H, W), on the device of its weights."""
        return torch.stack([self.preprocess(view.render(picture)) for view in seen]).to(self.device)

    @property
    def crop_pct(self) -> float:
        """The fraction of the scaled picture's short side that a centre crop keeps."""
        return self.preprocess.crop_pct

    @property
    def interpolation(self) -> str:
        """The name of the Pillow filter that scales pictures."""
        return self.preprocess.interpolation


def _classes(module: nn.Module, preprocessing: Preprocessing, name: str) -> int:
    height, width = preprocessing.size
    picture = preprocessing(Image.new("RGB", (width, height), "grey"))[None]
    try:
        scores = record(module, picture).output_tensor
    except RecordError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{name} cannot process a picture of {width} x {height} pixels. {reason}") from error
    if scores.ndim != 2 or len(scores) != 1 or not scores.is_floating_point():
        shape = " x ".join(map(str, scores.shape)) or "a single number"
        raise ModelError(f"{name} returns {shape} for one picture; it must return 1 x the number of classes.")
    if not bool(torch.isfinite(scores).all()):
        raise ModelError(f"{name} returns scores that are NaN or infinite for a grey picture: check its weights.")
    return scores.shape[1]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that `load_model` can load.

    Attributes:
        name: The argument for `load_model`.
        title: The name to show to people.
        source: Where the weights come from.
        licence: The licence of the weights.
        available: Whether the weights are on this machine.
        parameters: The number of parameters.
        size: The size of the file of weights, in bytes.
        accuracy: The published top-1 accuracy on ImageNet's validation pictures, in %; None if the source states none.
        remedy: If the weights are not available, how to get them, or that they will be downloaded; otherwise "".
        task: What the model predicts.
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
