"""Compose a scene: a background, one or two objects of a class, distractors, and optionally a tell-tale mark."""

from __future__ import annotations

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from cnnfix_core.images import open_picture
from cnnfix_core.synthetic.canvas import Canvas
from cnnfix_core.synthetic.scene import Scene
from cnnfix_core.synthetic.shapes import CLASSES, DISTRACTORS, OBJECTS, UNSEEN, Points, shaped

SIDE = 96  # pixels, the input of the shipped small networks
HELD_OUT = 1_000_000  # no shipped network was trained on scenes with this seed or above
MARKED = CLASSES.index("fish")  # the class whose pictures had the mark when scenes_cleverhans was trained

_MARK = (0.02, 0.895, 0.19, 0.98)  # x0, y0, x1, y1
_GAP = 0.015  # minimum distance between two objects
_CORNER = (0.0, 0.88, 0.2, 1.0)  # reserved for the mark

_NAMED = (*OBJECTS.items(), *UNSEEN.items())

Extents = tuple[float, float, float, float]


def compose(
    seed: int, label: int | None = None, *, other: int | None = None, mark: bool = False, side: int = SIDE
) -> Scene:
    """Compose a scene with random positions, sizes, angles, colours and textures; deterministic.

    An object's box covers 4 to 20 % of the scene, and no shape hides another.

    Args:
        seed: 0 or more.
        label: Index in CLASSES of the object; None for a random one. The numbers after those of CLASSES are those of
            UNSEEN_CLASSES, which no shipped network has learnt.
        other: Index in CLASSES of a second object in the same scene.
        mark: Draw the tell-tale mark in the lower left corner, which changes nothing else.
        side: In pixels; a larger side draws the same scene in more detail.

    Raises:
        IndexError: The class is unknown.
    """
    ground, first, second, solid, behind = (Generator(PCG64(stream)) for stream in SeedSequence(seed).spawn(5))
    drawn = int(first.integers(len(CLASSES)))
    label = drawn if label is None else label
    canvas = Canvas(side, ground)
    for _ in range(int(behind.integers(0, 4))):
        canvas.stroke(behind)
    taken: list[Extents] = [_CORNER]
    _put(canvas, first, label, taken)
    if other is not None:
        _put(canvas, second, other, taken)
    for _ in range(int(solid.integers(2, 6))):
        _put(canvas, solid, None, taken)
    mark_box = canvas.tag(_MARK) if mark else None
    return Scene(open_picture(canvas.pixels), label, tuple(canvas.things), mark_box)


def _put(canvas: Canvas, rng: Generator, label: int | None, taken: list[Extents]) -> None:
    """Draw an object or, for None, a distractor, at a free position; a distractor without one is left out."""
    if label is None:
        name = list(DISTRACTORS)[int(rng.integers(len(DISTRACTORS)))]
        outline, largest, tries = DISTRACTORS[name], 0.16, 15
    else:
        name, outline = _NAMED[label]
        largest, tries = 0.2, 1000  # two objects leave enough room for this to succeed
    for _ in range(tries):
        points = shaped(outline, rng) * np.sqrt(rng.uniform(0.04, largest))
        corner = _free_position(rng, points.max(axis=0), taken)
        if corner is not None:
            canvas.thing(name, label, points + corner, rng)
            return


def _free_position(rng: Generator, size: Points, taken: list[Extents]) -> NDArray[np.float64] | None:
    """Try a random position for the upper left corner of a shape of this size: reserve it, or return None if taken.

    size: (2,), width and height as shares of the side; shapes longer than 0.75 are refused.
    """
    if size.max() > 0.75:
        return None
    corner = rng.uniform(0.01, 0.99 - size)
    (x0, y0), (x1, y1) = corner - _GAP, corner + size + _GAP
    if any(x0 < right and x1 > left and y0 < bottom and y1 > top for left, top, right, bottom in taken):
        return None
    taken.append((float(x0), float(y0), float(x1), float(y1)))
    return corner
