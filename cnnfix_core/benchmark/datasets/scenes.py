"""Composed scenes as the pictures of a benchmark, and the small networks trained on such scenes."""

from __future__ import annotations

from functools import cache, partial

from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.images import Picture
from cnnfix_core.regions import BoxRule, GroundTruth
from cnnfix_core.synthetic import CLASSES, HELD_OUT, SIDE, Scene, compose

NETWORKS = ("scenes_alexnet", "scenes_vgg", "scenes_googlenet", "scenes_resnet", "scenes_densenet")
# Side of a scene in pixels: about that of a photograph, for which the paper's blur of 20 pixels was chosen.
PICTURE_SIDE = 4 * SIDE
# The best rule for each method on other scenes, see docs/boxes.md. Fixations have their own box.
RULES = {
    "published": BoxRule("threshold", 0.3, largest=True),
    "cam": BoxRule("share", 0.3),
    "gradcam": BoxRule("share", 0.3),
    "gradcampp": BoxRule("share", 0.4, largest=True),
    "layercam": BoxRule("share", 0.3),
    "scorecam": BoxRule("share", 0.7),
    "guided_backprop": BoxRule("share", 0.8, largest=True),
    "guided_gradcam": BoxRule("threshold", 0.1),
    "saliency": BoxRule("share", 0.5, largest=True),
    "integrated_gradients": BoxRule("threshold", 0.3),
    "occlusion": BoxRule("threshold", 0.5),
    "rise": BoxRule("share", 0.6),
    "cmwp": BoxRule("share", 0.4),
}
# Seeds far from those of the scenes on which networks and box rules were chosen.
_FIRST = HELD_OUT + 500_000
_APART = 10_000


def items(count: int, seed: int = 0) -> tuple[Item, ...]:
    """Scenes that no network was trained on, cycling through the classes; different for each seed."""
    return tuple(
        Item(f"scene {number}", CLASSES[label], f"composed {number}", partial(_read, number, label))
        for number, label in numbered(count, seed)
    )


def numbered(count: int, seed: int = 0) -> list[tuple[int, int]]:
    """The seed and label of each of these scenes, for `compose`."""
    return [(_FIRST + _APART * seed + n, n % len(CLASSES)) for n in range(count)]


@cache
def _composed(number: int, label: int) -> Scene:
    return compose(number, label, side=PICTURE_SIDE)


def _read(number: int, label: int) -> tuple[Picture, GroundTruth]:
    scene = _composed(number, label)
    return scene.picture, scene.truth
