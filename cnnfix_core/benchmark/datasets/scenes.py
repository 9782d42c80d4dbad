"""Composed scenes as the pictures of a benchmark, and the small networks that learnt from such scenes."""

from __future__ import annotations

from functools import cache, partial

from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.images import Picture
from cnnfix_core.regions import BoxRule, GroundTruth
from cnnfix_core.synthetic import CLASSES, HELD_OUT, SIDE, Scene, compose

NETWORKS = ("scenes_alexnet", "scenes_vgg", "scenes_googlenet", "scenes_resnet", "scenes_densenet")
# Pixels of a scene: about those of a photograph, for which the paper's blur of 20 pixels was meant.
PICTURE_SIDE = 4 * SIDE
# What suited each method best on other scenes: docs/boxes.md. Fixations draw their own.
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
# Far from the scenes on which networks and rules for boxes were chosen.
_FIRST = HELD_OUT + 500_000
_APART = 10_000


def items(count: int, seed: int = 0) -> tuple[Item, ...]:
    """So many scenes that no network has seen, one class after the other; other ones for another seed."""
    return tuple(
        Item(f"scene {number}", CLASSES[label], f"composed {number}", partial(_read, number, label))
        for number, label in numbered(count, seed)
    )


def numbered(count: int, seed: int = 0) -> list[tuple[int, int]]:
    """What `compose` takes for each of these scenes: a seed and a label."""
    return [(_FIRST + _APART * seed + n, n % len(CLASSES)) for n in range(count)]


@cache
def _composed(number: int, label: int) -> Scene:
    return compose(number, label, side=PICTURE_SIDE)


def _read(number: int, label: int) -> tuple[Picture, GroundTruth]:
    scene = _composed(number, label)
    return scene.picture, scene.truth
