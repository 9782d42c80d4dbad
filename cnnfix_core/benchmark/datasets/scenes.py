"""Composed scenes as the pictures of a benchmark, and the small networks trained on such scenes."""

from __future__ import annotations

from functools import cache, partial

from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.images import Picture
from cnnfix_core.regions import BoxRule, GroundTruth
from cnnfix_core.synthetic import CLASSES, HELD_OUT, SIDE, UNSEEN_CLASSES, Scene, compose

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
    "xgradcam": BoxRule("share", 0.3),
    "hirescam": BoxRule("share", 0.3),
    "finercam": BoxRule("share", 0.3),
    "refinecam": BoxRule("share", 0.8, largest=True),
    "smoothgradcampp": BoxRule("share", 0.4),
    "ablationcam": BoxRule("share", 0.3),
    "eigencam": BoxRule("share", 0.3),
    "smoothgrad": BoxRule("share", 0.4, largest=True),
    "input_x_gradient": BoxRule("threshold", 0.3),
    "gradient_shap": BoxRule("share", 0.3),
    "deeplift": BoxRule("threshold", 0.15),
}
# Seeds far from those of the scenes on which networks and box rules were chosen.
_FIRST, _FIRST_PAIR, _FIRST_UNSEEN = HELD_OUT + 500_000, HELD_OUT + 700_000, HELD_OUT + 900_000
_APART = 10_000


def items(count: int, seed: int = 0) -> tuple[Item, ...]:
    """Scenes that no network was trained on, cycling through the classes; different for each seed."""
    return tuple(
        Item(f"scene {number}", CLASSES[label], f"composed {number}", partial(_read, number, label))
        for number, label in numbered(count, seed)
    )


def unseen(count: int, seed: int = 0) -> tuple[Item, ...]:
    """Scenes whose object is of a class that no network has, without labels; the shapes take turns."""
    return tuple(
        Item(
            f"{UNSEEN_CLASSES[shape]} {number}", "", f"composed {number}", partial(_read, number, len(CLASSES) + shape)
        )
        for number, shape in ((_FIRST_UNSEEN + _APART * seed + n, n % len(UNSEEN_CLASSES)) for n in range(count))
    )


def pairs(count: int, seed: int = 0, contrast: bool = False) -> tuple[Item, ...]:
    """Scenes with two objects, each asked about: two items a scene.

    Args:
        count: Number of scenes.
        seed: Gives other scenes.
        contrast: Ask about each object's class rather than that of the other.
    """
    return tuple(
        _of_a_pair(_FIRST_PAIR + _APART * seed + n, asked, other, number, contrast)
        for n in range(count)
        for number, (asked, other) in enumerate([_classes(n), _classes(n)[::-1]])
    )


def _classes(n: int) -> tuple[int, int]:
    """The two classes of a scene, which take turns."""
    first = n % len(CLASSES)
    return first, (first + 1 + n % (len(CLASSES) - 1)) % len(CLASSES)


def _of_a_pair(number: int, asked: int, other: int, second: int, contrast: bool) -> Item:
    drawn = (other, asked) if second else (asked, other)

    def read() -> tuple[Picture, GroundTruth]:
        scene = _composed(number, *drawn)
        return scene.picture, scene.truth_of(asked)

    return Item(
        f"scene {number}",
        CLASSES[asked],
        f"composed {number}, {drawn}{', contrast' * contrast}",
        read,
        rather_than=CLASSES[other] if contrast else "",
        others=lambda: _composed(number, *drawn).truth_of(other),
    )


def numbered(count: int, seed: int = 0) -> list[tuple[int, int]]:
    """The seed and label of each of these scenes, for `compose`."""
    return [(_FIRST + _APART * seed + n, n % len(CLASSES)) for n in range(count)]


@cache
def _composed(number: int, label: int, other: int | None = None) -> Scene:
    return compose(number, label, other=other, side=PICTURE_SIDE)


def _read(number: int, label: int) -> tuple[Picture, GroundTruth]:
    scene = _composed(number, label)
    return scene.picture, scene.truth
