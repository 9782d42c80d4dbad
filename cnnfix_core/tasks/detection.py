"""Object detection, and a model that scores the detected objects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cnnfix_core.errors import ModelError, need
from cnnfix_core.images import Bounds, Picture
from cnnfix_core.tasks.fitting import as_classifier, fitted, input_of
from cnnfix_core.zoo import Labels, Model

MIN_SCORE, MAX_BOXES = 0.3, 12  # minimum score of a reported box, and how many are reported at most
_MIN_OVERLAP = 0.5  # intersection over union from which two boxes are taken for the same object


@dataclass(frozen=True, slots=True)
class Detected:
    """One detected object.

    Attributes:
        name: The class, with a number if several objects have it.
        score: 0 to 1.
        box: x0, y0, x1, y1 in pixels of the picture.
    """

    name: str
    score: float
    box: Bounds


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """The detected objects, and a classifier for them that works with every method.

    For any picture, the score of an object is the score of the box of the same class that overlaps it most, by at least
    0.5; it is 0 if there is no such box (as in D-RISE, Petsiuk et al., CVPR 2021).

    Attributes:
        model: The classifier; its classes are the detected objects.
        found: At most 12 objects, highest score first.
    """

    model: Model
    found: tuple[Detected, ...]


def detect(model: Model, picture: Picture, min_score: float = MIN_SCORE) -> Detection:
    """Detect objects in a picture, with at least `min_score`.

    Raises:
        ModelError: The model is not for detection, or it finds nothing.
    """
    model = fitted(model, picture, "detection")
    given = input_of(model, picture)
    with torch.no_grad():
        result = model.run(list(given))[0]
    kept = (result["scores"] >= min_score).nonzero()[:MAX_BOXES, 0]
    if not len(kept):
        raise ModelError(f"{model.title} finds nothing in this picture: choose another picture or network.")
    boxes, labels = result["boxes"][kept], result["labels"][kept]
    names = _numbered([model.labels.short[label] for label in labels.tolist()])
    height, width = model.input_size
    across, down = picture.width / width, picture.height / height
    found = tuple(
        Detected(name, score, (x0 * across, y0 * down, x1 * across, y1 * down))
        for name, score, (x0, y0, x1, y1) in zip(names, result["scores"][kept].tolist(), boxes.tolist(), strict=True)
    )
    part = _Boxes(model.module, boxes, labels)
    return Detection(as_classifier(model, part, Labels.of(names), "probabilities"), found)


def _numbered(names: list[str]) -> list[str]:
    """Number the names that occur more than once."""
    times, so_far = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        so_far[name] += 1
        numbered.append(f"{name} {so_far[name]}" if times[name] > 1 else name)
    return numbered


class _Boxes(nn.Module):
    """The score of each of these objects, (N, objects)."""

    def __init__(self, network: nn.Module, boxes: Tensor, labels: Tensor) -> None:
        super().__init__()
        self.network, self.boxes, self.labels = network, boxes, labels

    def forward(self, pictures: Tensor) -> Tensor:
        return torch.stack([self._scores(result) for result in self.network(list(pictures))])

    def _scores(self, result: dict[str, Tensor]) -> Tensor:
        need("torchvision")
        from torchvision.ops import box_iou

        zero = 0 * result["scores"].sum()  # has a gradient and is on the tape, even if there are no scores
        scores = []
        same = box_iou(self.boxes, result["boxes"].detach()) * (self.labels[:, None] == result["labels"])
        for overlaps in same:
            best = int(overlaps.argmax()) if len(overlaps) else 0
            matched = len(overlaps) and float(overlaps[best]) >= _MIN_OVERLAP
            scores.append(result["scores"][best] if matched else zero)
        return torch.stack(scores)
