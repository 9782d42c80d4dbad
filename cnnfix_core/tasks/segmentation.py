"""What a network says of each pixel, and of one of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnfix_core.arrays import Ints
from cnnfix_core.errors import TargetError
from cnnfix_core.images import Picture
from cnnfix_core.tasks.fitting import fitted, input_of, part_of
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True, eq=False)
class Segmentation:
    """classes: (H, W) the class that comes first at each pixel of the network's input, an index in its labels."""

    model: Model
    picture: Picture
    classes: Ints

    def at(self, x: int, y: int) -> Model:
        """What it says of one pixel of the picture, as a model that all methods take: scores of the classes there.

        Raises TargetError for a pixel outside.
        """
        if not (0 <= x < self.picture.width and 0 <= y < self.picture.height):
            size = f"{self.picture.width} x {self.picture.height}"
            raise TargetError(f"There is no pixel {x}, {y}: the picture has {size}, counted from 0.")
        height, width = self.classes.shape
        row, column = int((y + 0.5) * height / self.picture.height), int((x + 0.5) * width / self.picture.width)
        return part_of(self.model, _AtPixel(self.model.module, row, column), self.model.labels)


def segment(model: Model, picture: Picture) -> Segmentation:
    """Ask a network for segmentation. Raises ModelError for a model of another task."""
    model = fitted(model, picture, "segmentation")
    with torch.no_grad():
        scores = model.module(input_of(model, picture))["out"]
    return Segmentation(model, picture, scores[0].argmax(dim=0).numpy())


class _AtPixel(nn.Module):
    """The scores at one pixel of the network's input, (N, classes)."""

    def __init__(self, network: nn.Module, row: int, column: int) -> None:
        super().__init__()
        self.network, self.row, self.column = network, row, column
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.network(pictures)["out"][:, :, self.row, self.column]
        return scores
