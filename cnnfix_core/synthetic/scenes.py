"""Compose a scene: a ground, one or two objects of a class, distractors of no class, and a tell-tale mark if wanted."""

from __future__ import annotations

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from cnnfix_core.images import open_picture
from cnnfix_core.synthetic.canvas import Canvas
from cnnfix_core.synthetic.scene import Scene
from cnnfix_core.synthetic.shapes import CLASSES, DISTRACTORS, OBJECTS, Points, shaped

SIDE = 96  # pixels, the input of the shipped small networks
HELD_OUT = 1_000_000  # no shipped network has learnt from a scene of this seed or above
MARKED = CLASSES.index("fish")  # the class whose pictures had the mark when scenes_cleverhans learnt

_MARK = (0.02, 0.895, 0.19, 0.98)  # x0, y0, x1, y1
_GAP = 0.015  # least distance of two things
_CORNER = (0.0, 0.88, 0.2, 1.0)  # the mark's: always kept free

Extents = tuple[float, float, float, float]


def compose(
    seed: int, label: int | None = None, *, other: int | None = None, mark: bool = False, side: int = SIDE
) -> Scene:
    """A scene, the same for the same arguments; place, size, turn, colour and texture of all that is in it are random.

    seed: 0 or more. label, other: index in CLASSES of the object, and of another one in the same scene; label None: a
    random one. mark: put the tell-tale mark into the lower left corner, which changes nothing else. side: in pixels;
    a larger side draws the same scene with more detail.
    An object's box covers 4 to 20 % of the scene. No thing hides another. Raises IndexError for an unknown class.
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
    place = canvas.tag(_MARK) if mark else None
    return Scene(open_picture(canvas.pixels), label, tuple(canvas.things), place)


def _put(canvas: Canvas, rng: Generator, label: int | None, taken: list[Extents]) -> None:
    """Draw an object or, for None, a distractor, where there is room; a distractor that finds none is left out."""
    if label is None:
        name = list(DISTRACTORS)[int(rng.integers(len(DISTRACTORS)))]
        outline, largest, tries = DISTRACTORS[name], 0.16, 15
    else:
        name = CLASSES[label]
        outline, largest, tries = OBJECTS[name], 0.2, 1000  # two objects leave so much room that this never ends
    for _ in range(tries):
        points = shaped(outline, rng) * np.sqrt(rng.uniform(0.04, largest))
        where = _free_place(rng, points.max(axis=0), taken)
        if where is not None:
            canvas.thing(name, label, points + where, rng)
            return


def _free_place(rng: Generator, size: Points, taken: list[Extents]) -> NDArray[np.float64] | None:
    """A random place for the upper left corner of something of this size, which is then taken; None if it is not free.

    size: (2,), width and height as shares of the side; what is longer than 0.75 finds no place.
    """
    if size.max() > 0.75:
        return None
    where = rng.uniform(0.01, 0.99 - size)
    (x0, y0), (x1, y1) = where - _GAP, where + size + _GAP
    if any(x0 < right and x1 > left and y0 < bottom and y1 > top for left, top, right, bottom in taken):
        return None
    taken.append((float(x0), float(y0), float(x1), float(y1)))
    return where
