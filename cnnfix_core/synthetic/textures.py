"""Colours, noise and patterns.

Patterns are functions of the position in the scene, so that a scene looks the same at any size. They are drawn on a
grid: x (W,) and y (H,), as shares of the scene's side. The result is (H, W), 0 to 1.
"""

from __future__ import annotations

import colorsys

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Array = NDArray[np.float32]
Grid = tuple[Array, Array]


def grid(x0: int, y0: int, x1: int, y1: int, side: int) -> Grid:
    """The centres of the pixels from x0, y0 up to x1, y1 (exclusive) of a scene with `side` pixels."""
    x, y = (np.arange(low, high, dtype=np.float32) for low, high in ((x0, x1), (y0, y1)))
    return (x + np.float32(0.5)) / np.float32(side), (y + np.float32(0.5)) / np.float32(side)


def colour(rng: Generator, saturation: tuple[float, float], value: tuple[float, float]) -> Array:
    """A colour with a random hue: (3,), 0 to 1."""
    return np.array(colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value)), np.float32)


def standing_out(rng: Generator, ground: Array) -> Array:
    """A colour that contrasts with the background's, both (3,), 0 to 1."""
    tried = [colour(rng, (0.1, 1.0), (0.2, 1.0)) for _ in range(12)]
    contrasts = [float(np.abs(one - ground).sum()) for one in tried]
    best = tried[int(np.argmax(contrasts))]
    return next((one for one, contrast in zip(tried, contrasts, strict=True) if contrast > 0.8), best)


def noise(rng: Generator, places: Grid, cells: int) -> Array:
    """Smooth random values, from a lattice with this many cells along the scene's side."""
    lattice = rng.random((cells + 1, cells + 1), np.float32)
    (left, right), (upper, lower) = (_between(along, cells) for along in places)
    rows = lattice[upper] + lower[:, None] * (lattice[upper + 1] - lattice[upper])
    values: Array = rows[:, left] + right * (rows[:, left + 1] - rows[:, left])
    return values


def _between(along: Array, cells: int) -> tuple[NDArray[np.int64], Array]:
    """The lattice point before each position, and the smoothed weight of the next one."""
    low = np.minimum((along * cells).astype(np.int64), cells - 1)
    part = along * cells - low.astype(np.float32)
    return low, part * part * (3 - 2 * part)


def octaves(rng: Generator, places: Grid, first: int) -> Array:
    """The sum of noise at five scales, the largest with `first` cells per side; stretched to 0 to 1."""
    fade = rng.uniform(0.35, 0.75)
    levels = np.sum([np.float32(fade**k) * noise(rng, places, min(first * 2**k, 64)) for k in range(5)], axis=0)
    spread: Array = (levels - levels.min()) / max(float(np.ptp(levels)), 1e-6)
    return spread


def waves(rng: Generator, places: Grid, count: tuple[float, float]) -> Array:
    """Stripes in a random direction, soft or sharp; count: the range of their number along the scene's side."""
    many, phase, hardness = rng.uniform(*count), rng.random(), rng.uniform(0.8, 4)
    wave = np.sin(2 * np.pi * (many * _along(rng, places) + np.float32(phase))) * np.float32(hardness)
    return np.asarray(wave.clip(-1, 1) / 2 + 0.5, np.float32)


def gradient(rng: Generator, places: Grid) -> Array:
    """A ramp in a random direction."""
    along = _along(rng, places)
    ramp: Array = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
    return ramp


def _along(rng: Generator, places: Grid) -> Array:
    angle = rng.uniform(0, 2 * np.pi)
    x, y = places
    along: Array = x * np.float32(np.cos(angle)) + (y * np.float32(np.sin(angle)))[:, None]
    return along


def background(rng: Generator, places: Grid) -> Array:
    """A textured background, (H, W, 3): two colours mixed by noise and often stripes, with uneven light and grain."""
    first = colour(rng, (0.05, 0.6), (0.2, 0.95))
    second = np.clip(first + rng.uniform(-0.28, 0.28, 3), 0, 1).astype(np.float32)
    mix = octaves(rng, places, int(rng.integers(2, 5)))
    if rng.random() < 0.5:
        mix = (mix + waves(rng, places, (3, 11))) * np.float32(0.5)
    light = 1 + np.float32(rng.uniform(0, 0.5)) * (gradient(rng, places) - 0.5)
    grain = np.float32(0.06 * rng.random()) * (noise(rng, places, 96) - 0.5)
    ground = (first + mix[..., None] * (second - first)) * light[..., None] + grain[..., None]
    return np.asarray(ground.clip(0, 1), np.float32)


def filling(rng: Generator, places: Grid, base: Array) -> Array:
    """The surface of a shape, (H, W, 3): one colour, or two shades of it in a pattern."""
    strength = np.float32(rng.uniform(0.55, 0.85))
    shade = base * strength if rng.random() < 0.5 else 1 - (1 - base) * strength
    patterns = (
        lambda: np.zeros((places[1].size, places[0].size), np.float32),
        lambda: gradient(rng, places),
        lambda: waves(rng, places, (8, 16)),
        lambda: octaves(rng, places, 8),
    )
    mix = patterns[int(rng.integers(len(patterns)))]()
    filled: Array = base + mix[..., None] * (shade - base)
    return filled
