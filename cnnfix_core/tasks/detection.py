"""Which things a network finds in a picture, and one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnfix_core.errors import ModelError, need
from cnnfix_core.images import Bounds, Picture
from cnnfix_core.tasks.fitting import fitted, input_of, part_of
from cnnfix_core.zoo import Labels, Model

SURE, MOST = 0.3, 12  # the least score of a box that is told of, and how many are
_SAME = 0.5  # overlap (intersection over union) from which two boxes are of the same thing


@dataclass(frozen=True, slots=True)
class Detected:
    """name: of the class, with a number where there are several. score: 0 to 1. box: x0, y0, x1, y1 in the picture."""

    name: str
    score: float
    box: Bounds


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """found: at most 12, the surest first. model: all methods take it; its classes are what was found.

    Its score for one of them is that of the box of the same class with most overlap, at least 0.5, in whatever
    picture it is asked about; 0 where there is none (as in D-RISE, Petsiuk et al., CVPR 2021). In the picture itself
    that is the box.
    """

    model: Model
    found: tuple[Detected, ...]


def detect(model: Model, picture: Picture, sure: float = SURE) -> Detection:
    """Ask a network for detection. sure: the least score of what is told.

    Raises ModelError for a model of another task, and where it finds nothing.
    """
    model = fitted(model, picture, "detection")
    given = input_of(model, picture)
    with torch.no_grad():
        result = model.module(list(given))[0]
    kept = (result["scores"] >= sure).nonzero()[:MOST, 0]
    if not len(kept):
        raise ModelError(f"{model.title} finds nothing in this picture: take another picture or network.")
    boxes, labels = result["boxes"][kept], result["labels"][kept]
    names = _numbered([model.labels.short[label] for label in labels.tolist()])
    height, width = model.input_size
    across, down = picture.width / width, picture.height / height
    found = tuple(
        Detected(name, score, (x0 * across, y0 * down, x1 * across, y1 * down))
        for name, score, (x0, y0, x1, y1) in zip(names, result["scores"][kept].tolist(), boxes.tolist(), strict=True)
    )
    part = _Boxes(model.module, boxes, labels)
    return Detection(part_of(model, part, Labels.of(names), probabilities=True), found)


def _numbered(names: list[str]) -> list[str]:
    """Those that occur more than once get a number."""
    times, so_far = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        so_far[name] += 1
        numbered.append(f"{name} {so_far[name]}" if times[name] > 1 else name)
    return numbered


class _Boxes(nn.Module):
    """The score of each of these things, (N, things)."""

    def __init__(self, network: nn.Module, boxes: Tensor, labels: Tensor) -> None:
        super().__init__()
        self.network, self.boxes, self.labels = network, boxes, labels
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.stack([self._scores(result) for result in self.network(list(pictures))])

    def _scores(self, result: dict[str, Tensor]) -> Tensor:
        need("torchvision")
        from torchvision.ops import box_iou

        nothing = 0 * result["scores"].sum()  # has a gradient, and a place on the tape, even of no scores
        scores = []
        same = box_iou(self.boxes, result["boxes"].detach()) * (self.labels[:, None] == result["labels"])
        for overlaps in same:
            best = int(overlaps.argmax()) if len(overlaps) else 0
            there = len(overlaps) and float(overlaps[best]) >= _SAME
            scores.append(result["scores"][best] if there else nothing)
        return torch.stack(scores)
