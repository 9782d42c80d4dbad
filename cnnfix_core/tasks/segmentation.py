"""Semantic segmentation, and a model that classifies one pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnfix_core.arrays import Ints
from cnnfix_core.errors import TargetError
from cnnfix_core.images import Picture
from cnnfix_core.tasks.fitting import as_classifier, fitted, input_of
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """The segmentation of one picture.

    Attributes:
        model: The network, fitted to the picture.
        picture: The picture.
        classes: (H, W), the predicted class at each pixel of the network's input, as an index into its labels.
    """

    model: Model
    picture: Picture
    classes: Ints

    def at(self, x: int, y: int) -> Model:
        """A classifier of one pixel of the picture, which works with every method.

        Raises:
            TargetError: The pixel is outside the picture.
        """
        if not (0 <= x < self.picture.width and 0 <= y < self.picture.height):
            size = f"{self.picture.width} x {self.picture.height}"
            raise TargetError(f"There is no pixel ({x}, {y}): the picture has {size} pixels, counted from 0.")
        height, width = self.classes.shape
        row, column = int((y + 0.5) * height / self.picture.height), int((x + 0.5) * width / self.picture.width)
        return as_classifier(self.model, _AtPixel(self.model.module, row, column), self.model.labels)


def segment(model: Model, picture: Picture) -> Segmentation:
    """Segment a picture. Raises ModelError if the model is not for segmentation."""
    model = fitted(model, picture, "segmentation")
    with torch.no_grad():
        scores = model.run(input_of(model, picture))["out"]
    return Segmentation(model, picture, scores[0].argmax(dim=0).cpu().numpy())


class _AtPixel(nn.Module):
    """The scores at one pixel of the network's input, (N, classes)."""

    def __init__(self, network: nn.Module, row: int, column: int) -> None:
        super().__init__()
        self.network, self.row, self.column = network, row, column

    def forward(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.network(pictures)["out"][:, :, self.row, self.column]
        return scores
