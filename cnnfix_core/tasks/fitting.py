"""Fit a network's input to the aspect ratio of a picture."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.images import Picture
from cnnfix_core.zoo import Labels, Meaning, Model, Task

_MAX_ASPECT_RATIO = 2.0  # longer pictures are squeezed to this


def fitted(model: Model, picture: Picture, task: Task) -> Model:
    """The model with an input of the picture's aspect ratio and the model's own short side.

    Raises:
        ModelError: The model is for another task.
    """
    if model.task != task:
        raise ModelError(f"{model.title} is not a network for {task}: choose another one.")
    short = min(model.input_size)
    scale = short / min(picture.width, picture.height)
    height, width = (round(min(side * scale, _MAX_ASPECT_RATIO * short)) for side in (picture.height, picture.width))
    return replace(model, preprocess=replace(model.preprocess, size=(height, width)))


def input_of(model: Model, picture: Picture) -> Tensor:
    """A picture as a fitted model's input, (1, channels, H, W)."""
    return model.inputs(picture, as_classifier(model, model.module, model.labels).views(picture, "whole"))


def as_classifier(model: Model, module: nn.Module, labels: Labels, meaning: Meaning = "softmax") -> Model:
    """A fitted model as a classifier: `module` computes its scores of the classes in `labels`."""
    return replace(model, module=module, labels=labels, task="classification", meaning=meaning, output=None, whole=True)
