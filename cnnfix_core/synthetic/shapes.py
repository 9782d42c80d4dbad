"""Outlines of shapes: closed polygons around (0, 0), with a radius of about 1 and y downwards, randomly varied.

A hole is made by a seam: the outline runs around the outside, crosses over, and runs back around the hole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]  # (N, 2) as x, y
Outline = Callable[[Generator], Points]


def _polar(radius: ArrayLike, angle: ArrayLike) -> Points:
    radius, angle = np.asarray(radius, np.float64), np.asarray(angle, np.float64)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)


def _around(count: int) -> Points:
    return np.linspace(0, 2 * np.pi, count)


def _star(rng: Generator) -> Points:
    radius = np.tile([1.0, rng.uniform(0.36, 0.46)], 5)
    return _polar(radius, np.arange(10) * (np.pi / 5))


def _ring(rng: Generator) -> Points:
    around = _around(33)
    return np.concatenate([_polar(1.0, around), _polar(rng.uniform(0.5, 0.68), around[::-1])])


def _cross(rng: Generator) -> Points:
    arm = rng.uniform(0.24, 0.36)
    quarter = np.array([[arm, -1], [arm, -arm], [1, -arm]])
    turns = [np.array([[0, -1], [1, 0]]), np.array([[-1, 0], [0, -1]]), np.array([[0, 1], [-1, 0]])]
    return np.concatenate([quarter, *(quarter @ turn.T for turn in turns)])


def _crescent(rng: Generator) -> Points:
    """A disc minus another disc: two arcs between the same two tips, at the angles +-opening."""
    opening, shift = rng.uniform(0.6, 0.9), rng.uniform(0.35, 0.6)
    outer = _polar(1.0, np.linspace(opening, 2 * np.pi - opening, 30))
    tip = outer[0] - [shift, 0]
    angle, radius = np.arctan2(tip[1], tip[0]), np.hypot(*tip)
    inner = _polar(radius, np.linspace(2 * np.pi - angle, angle, 24)) + np.array([shift, 0])
    return np.concatenate([outer, inner])


def _arrow(rng: Generator) -> Points:
    shaft, neck, barb = rng.uniform(0.15, 0.24), rng.uniform(-0.1, 0.15), rng.uniform(0.55, 0.75)
    upper = np.array([[-1, -shaft], [neck, -shaft], [neck, -barb]])
    return np.concatenate([upper, np.array([[1, 0]]), upper[::-1] * [1, -1]])


def _heart(rng: Generator) -> Points:
    angle, height = _around(41), rng.uniform(0.85, 1.05)
    x = 16 * np.sin(angle) ** 3
    y = -(13 * np.cos(angle) - 5 * np.cos(2 * angle) - 2 * np.cos(3 * angle) - np.cos(4 * angle))
    return np.stack([x / 17, height * y / 17], axis=-1)


def _spiral(rng: Generator) -> Points:
    turns, half = rng.uniform(1.7, 2.1), rng.uniform(0.09, 0.125)
    angle = np.linspace(0, 2 * np.pi * turns, 60)
    radius = np.linspace(half, 1 - half, 60)
    wound = np.concatenate([_polar(radius + half, angle), _polar(np.maximum(radius - half, 0), angle)[::-1]])
    return np.asarray(wound * [1, rng.choice([-1, 1])])


def _flower(rng: Generator) -> Points:
    petals = rng.choice([5, 6])
    angle = _around(61)
    petal = 0.45 + 0.55 * np.abs(np.cos(angle * petals / 2)) ** 0.8
    return np.concatenate([_polar(petal, angle), _polar(rng.uniform(0.16, 0.24), angle[::-3])])


def _lightning(rng: Generator) -> Points:
    lean = rng.uniform(-0.1, 0.1)
    points = np.array([[0.1, -1], [-0.5, 0.16], [-0.05, 0.16], [-0.3, 1], [0.52, -0.24], [0.08, -0.24], [0.48, -1]])
    return np.asarray(points + points[:, 1:] * [lean, 0])


def _fish(rng: Generator) -> Points:
    belly, tail = rng.uniform(0.42, 0.54), rng.uniform(0.42, 0.55)
    x = np.linspace(-1, 0.5, 20)
    back = np.stack([x, -(0.05 + belly * np.sin(np.pi * (x + 1) / 1.6) ** 0.8)], axis=-1)
    fin = np.array([[1, -tail], [0.82, 0], [1, tail]])
    return np.concatenate([back, fin, back[::-1] * [1, -1]])


def _polygon(corners: int) -> Outline:
    return lambda rng: _polar(1.0, np.arange(corners) * (2 * np.pi / corners))


def _disc(rng: Generator) -> Points:
    return _polar(1.0, _around(33)) * [1, rng.uniform(0.6, 1)]


def _half_disc(rng: Generator) -> Points:
    return _polar(1.0, np.linspace(0, np.pi, 30)) * [1, rng.uniform(0.8, 1.2)]


def _bar(rng: Generator) -> Points:
    thin = rng.uniform(0.12, 0.3)
    return np.array([[-1, -thin], [1, -thin], [1, thin], [-1, thin]])


def _corner(rng: Generator) -> Points:
    thick, leg = rng.uniform(0.5, 0.7), rng.uniform(0.4, 1)
    return np.array([[-1, -1], [-1 + thick, -1], [-1 + thick, 1 - thick], [leg, 1 - thick], [leg, 1], [-1, 1]])


def _blob(rng: Generator) -> Points:
    angle = _around(37)
    waves = sum(rng.uniform(0.05, 0.3) / k * np.cos(k * angle + rng.uniform(0, 2 * np.pi)) for k in (1, 2, 3))
    return _polar(0.8 + waves, angle)


def _gear(rng: Generator) -> Points:
    teeth, low = int(rng.integers(7, 10)), rng.uniform(0.7, 0.78)
    radius = np.tile([1.0, 1.0, low, low], teeth)
    return _polar(radius, np.arange(4 * teeth) * (np.pi / (2 * teeth)))


def _house(rng: Generator) -> Points:
    eaves, chimney = rng.uniform(-0.25, 0), rng.uniform(0.3, 0.45)
    roof = [[-1, eaves], [0, -1], [chimney, -0.75], [chimney, -1], [chimney + 0.25, -1], [chimney + 0.25, -0.4]]
    return np.array([*roof, [1, eaves], [0.8, eaves], [0.8, 1], [-0.8, 1], [-0.8, eaves]])


def _mushroom(rng: Generator) -> Points:
    stem, flare = rng.uniform(0.22, 0.32), rng.uniform(0.35, 0.5)
    cap = _polar(1.0, np.linspace(np.pi, 2 * np.pi, 26))
    return np.concatenate([cap, np.array([[stem, 0.08], [flare, 1], [-flare, 1], [-stem, 0.08]])])


def _hourglass(rng: Generator) -> Points:
    waist, rim = rng.uniform(0.08, 0.16), rng.uniform(0.6, 0.75)
    half = np.array([[-rim, -1], [rim, -1], [waist, 0]])
    return np.concatenate([half, -half])


OBJECTS: dict[str, Outline] = {
    "star": _star,
    "ring": _ring,
    "cross": _cross,
    "crescent": _crescent,
    "arrow": _arrow,
    "heart": _heart,
    "spiral": _spiral,
    "flower": _flower,
    "lightning": _lightning,
    "fish": _fish,
}
UNSEEN: dict[str, Outline] = {  # no shipped network was trained on scenes with one of these
    "gear": _gear,
    "house": _house,
    "mushroom": _mushroom,
    "hourglass": _hourglass,
}
DISTRACTORS: dict[str, Outline] = {
    "disc": _disc,
    "triangle": _polygon(3),
    "square": _polygon(4),
    "hexagon": _polygon(6),
    "half disc": _half_disc,
    "bar": _bar,
    "corner": _corner,
    "blob": _blob,
}
CLASSES = tuple(OBJECTS)
UNSEEN_CLASSES = tuple(UNSEEN)


def shaped(outline: Outline, rng: Generator) -> Points:
    """Stretch an outline slightly, turn it by a random angle, and scale its bounding box to an area of 1.

    The upper left corner of the bounding box is (0, 0).
    """
    points = outline(rng) * [1, rng.uniform(0.85, 1.18)]
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(turn), np.sin(turn)
    points = points @ np.array([[cos, sin], [-sin, cos]])
    points -= points.min(axis=0)
    scaled: Points = points / np.sqrt(points.max(axis=0).prod())
    return scaled
