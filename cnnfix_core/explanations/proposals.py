"""Object proposals: boxes that may hold an object, from the evidence for the most probable classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cnnfix_core.explanations.asking import Prediction
from cnnfix_core.explanations.explanation import RecordedPicture
from cnnfix_core.images import Picture
from cnnfix_core.regions import MAP_SIDE, Box, BoxRule, box_of, iou
from cnnfix_core.zoo import Model

# From the box that suits most objects to tighter and wider ones; the tight ones around the strongest part alone.
RULES = (
    BoxRule("share", 0.85),
    BoxRule("share", 0.6, largest=True),
    BoxRule("share", 0.97),
    BoxRule("share", 0.75),
    BoxRule("share", 0.4, largest=True),
)
ALIKE = 0.8  # IoU from which a box says nothing new


@dataclass(frozen=True, slots=True)
class Proposal:
    """A box that may hold an object, and the class whose evidence it is around."""

    box: Box
    prediction: Prediction


def proposals(model: Model, picture: Picture, count: int = 10) -> list[Proposal]:
    """Boxes from the fixations of the top classes, the most likely first.

    The first rule's box of each class, by probability, then the second's, and so on; a box with an IoU of at least 0.8
    with an earlier one is left out. One recorded forward pass, and a walk for each class.

    Args:
        model: The network.
        picture: The picture.
        count: The most boxes.

    Raises:
        CnnfixError: The network cannot be explained.
    """
    recorded = RecordedPicture(model, picture)
    first = recorded.explain()
    top = first.predictions[:count]
    maps = [
        (one, (first if one.index == first.target.index else recorded.explain(one.index)).map(MAP_SIDE)) for one in top
    ]
    found: list[Proposal] = []
    for rule in RULES:
        for prediction, map_ in maps:
            box = box_of(map_, rule, picture.width, picture.height)
            if box and all(iou(box, other.box) < ALIKE for other in found):
                found.append(Proposal(box, prediction))
    return found[:count]


def centre_boxes(width: int, height: int, count: int = 10) -> list[Box]:
    """Boxes of any picture, for comparison: in the centre, of different sizes, then moved aside, in turn.

    Sides are 0.8, 0.5, 0.95 and 0.3 of the picture's; moved boxes touch the corners and edges of the middle half.
    """
    places = [(0.5, 0.5), (0.3, 0.5), (0.7, 0.5), (0.5, 0.3), (0.5, 0.7)]
    places += [(0.3, 0.3), (0.7, 0.3), (0.3, 0.7), (0.7, 0.7)]
    made: list[Box] = []
    for x, y in places:
        for side in (0.8, 0.5, 0.95, 0.3):
            x0, y0 = max(x - side / 2, 0), max(y - side / 2, 0)
            x1, y1 = min(x + side / 2, 1), min(y + side / 2, 1)
            box = round(x0 * width), round(y0 * height), round(x1 * width) - 1, round(y1 * height) - 1
            if all(iou(box, other) < ALIKE for other in made):
                made.append(box)
    return made[:count]


def recall(boxes: Sequence[Box], truths: Sequence[Box], least: float = 0.5) -> float:
    """The share of the true boxes that one of the boxes fits with at least this IoU; NaN without true boxes."""
    fits = [any(iou(box, truth) >= least for box in boxes) for truth in truths]
    return sum(fits) / len(fits) if fits else float("nan")
