"""What such networks see of a picture: the whole of it, in its proportions."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from cnnfix_core.errors import ModelError
from cnnfix_core.images import Picture
from cnnfix_core.zoo import Labels, Model, Task

_LONGEST = 2.0  # of the short side: what is longer is squeezed


def fitted(model: Model, picture: Picture, task: Task) -> Model:
    """The model with an input of the picture's proportions, whose short side is the model's own.

    Raises ModelError for a model of another task.
    """
    if model.task != task:
        raise ModelError(f"{model.title} is no network for {task}: choose another one.")
    short = min(model.input_size)
    scale = short / min(picture.width, picture.height)
    height, width = (round(min(side * scale, _LONGEST * short)) for side in (picture.height, picture.width))
    return replace(model, preprocess=replace(model.preprocess, size=(height, width)))


def input_of(model: Model, picture: Picture) -> Tensor:
    """A picture as a fitted model's input, (1, 3, H, W)."""
    view = part_of(model, model.module, model.labels).views(picture, "whole")[0]
    return model.preprocess(view.render(picture))[None]


def part_of(model: Model, module: nn.Module, labels: Labels, probabilities: bool = False) -> Model:
    """A part of what a fitted model says, as scores of classes."""
    return replace(model, module=module, labels=labels, task="classification", probabilities=probabilities, whole=True)
