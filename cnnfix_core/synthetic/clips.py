"""Composed clips: shapes on a background, one of which moves for a while. What moves, where and when is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]

MOTIONS = ("moving left", "moving right", "moving up", "moving down", "growing", "shrinking", "turning", "blinking")
FRAMES, SIDE = 16, 64  # of the clips on which the shipped network was trained
HELD_OUT = 1_000_000  # it was not trained on clips with this seed or above

_DIRECTIONS = {"moving left": (-1, 0), "moving right": (1, 0), "moving up": (0, -1), "moving down": (0, 1)}
_MAX_STILL = 3  # static shapes


@dataclass(frozen=True, slots=True, eq=False)
class ComposedClip:
    """A clip with its ground truth.

    Attributes:
        frames: uint8 (T, H, W, 3).
        label: Index in MOTIONS.
        mask: bool (T, H, W), where the moving shape is.
        moving: bool (T,), the frames in which its position, size, angle or presence differs from the previous frame.
    """

    frames: NDArray[np.uint8]
    label: int
    mask: NDArray[np.bool_]
    moving: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Course:
    """A shape's centre x, y, radius, angle (radians) and presence (0 or 1) in each frame, each (T,).

    The scene's side is 1. lobes, depth: the radius varies by this share, with this many lobes.
    """

    x: Array
    y: Array
    radius: Array
    turn: Array
    present: Array
    lobes: int
    depth: float


def compose_clip(seed: int, label: int | None = None, *, side: int = SIDE) -> ComposedClip:
    """Compose a clip of 16 frames, with random colours, shapes, positions and times; deterministic.

    Args:
        seed: 0 or more.
        label: Index in MOTIONS; None for a random one.
        side: In pixels; a larger side draws the same clip in more detail.

    Raises:
        IndexError: The motion is unknown.
    """
    rng = Generator(PCG64(seed))
    drawn = int(rng.integers(len(MOTIONS)))
    label = drawn if label is None else label
    actor, moving = _actor(rng, MOTIONS[label])
    others = [_standing(rng) for _ in range(int(rng.integers(1, _MAX_STILL + 1)))]
    place: Array = ((np.arange(side) + 0.5) / side).astype(np.float32)
    ground = _ground(rng, side)
    frames = np.repeat(ground[None], FRAMES, axis=0)
    for course in [*others, actor]:  # the moving shape is on top
        covered = _covered(course, place)
        colour = _standing_out(rng, ground.mean(axis=(0, 1)))
        frames += covered[..., None] * (colour - frames)
    noise = rng.normal(0, 0.015, (FRAMES, SIDE, SIDE)).astype(np.float32)
    frames += ndimage.zoom(noise, (1, side / SIDE, side / SIDE), order=0)[..., None]
    pixels = np.rint(frames.clip(0, 1) * 255).astype(np.uint8)
    return ComposedClip(pixels, label, covered > 0.5, moving)


def _actor(rng: Generator, motion: str) -> tuple[_Course, NDArray[np.bool_]]:
    """The moving shape, and the frames in which it moves."""
    lasts = int(rng.integers(7, 12))
    starts = int(rng.integers(0, FRAMES - lasts))
    done = ((np.arange(FRAMES) - starts) / lasts).clip(0, 1).astype(np.float32)  # 0 before, 1 after
    radius = np.full(FRAMES, rng.uniform(0.1, 0.17), np.float32)
    turn = np.full(FRAMES, rng.uniform(0, 2 * np.pi), np.float32)
    present = np.ones(FRAMES, np.float32)
    way = np.zeros((2, FRAMES), np.float32)
    depth = 0.4 if motion == "turning" else float(rng.uniform(0, 0.4))
    if motion in _DIRECTIONS:
        way = np.float32(rng.uniform(0.3, 0.55)) * np.outer(_DIRECTIONS[motion], done).astype(np.float32)
    elif motion in ("growing", "shrinking"):
        small, large = rng.uniform(0.06, 0.1), rng.uniform(0.17, 0.24)
        radius = (small + (large - small) * (done if motion == "growing" else 1 - done)).astype(np.float32)
    elif motion == "turning":
        turn = turn + done * np.float32(rng.choice([-1, 1]) * rng.uniform(1.2, 2.6))
    else:
        present = np.where((done > 0) & (done < 1) & (np.arange(FRAMES) // 2 % 2 == 0), 0, 1).astype(np.float32)
    reach = float(radius.max()) * (1 + depth)
    low, high = reach - way.min(axis=1), 1 - reach - way.max(axis=1)
    x, y = rng.uniform(low, np.maximum(high, low + 1e-3)).astype(np.float32)[:, None] + way
    course = _Course(x, y, radius, turn, present, int(rng.integers(2, 4)), depth)
    changes = np.abs(np.diff(np.stack([x, y, radius, turn, present]), axis=1)).max(axis=0) > 0
    return course, np.concatenate([[False], changes])


def _standing(rng: Generator) -> _Course:
    x, y, radius, turn, present = (
        np.full(FRAMES, value, np.float32) for value in (*rng.uniform(0.1, 0.9, 2), rng.uniform(0.06, 0.2), 0, 1)
    )
    turn += np.float32(rng.uniform(0, 6))
    return _Course(x, y, radius, turn, present, int(rng.integers(2, 4)), float(rng.uniform(0, 0.4)))


def _covered(course: _Course, place: Array) -> Array:
    """The share of each pixel that the shape covers, (T, H, W)."""
    across = place[None, None, :] - course.x[:, None, None]
    down = place[None, :, None] - course.y[:, None, None]
    angle = np.arctan2(down, across) - course.turn[:, None, None]
    rim = course.radius[:, None, None] * (1 + course.depth * np.cos(course.lobes * angle))
    inside = (rim - np.hypot(across, down)) * len(place) + 0.5
    covered: Array = inside.clip(0, 1) * course.present[:, None, None]
    return covered


def _ground(rng: Generator, side: int) -> Array:
    """A background, (side, side, 3), of similar colours that blend into each other."""
    base = rng.uniform(0.15, 0.85, 3)
    patches = (base + rng.normal(0, 0.07, (7, 7, 3))).astype(np.float32)
    at = np.linspace(0, 6, side)
    rows, columns = np.meshgrid(at, at, indexing="ij")
    colours = [ndimage.map_coordinates(patches[..., one], [rows, columns], order=1) for one in range(3)]
    ground: Array = np.stack(colours, axis=-1).astype(np.float32)
    return ground


def _standing_out(rng: Generator, ground: Array) -> Array:
    """A colour that differs from the background."""
    while True:
        colour = rng.uniform(0, 1, 3).astype(np.float32)
        if np.abs(colour - ground).max() > 0.3:
            return colour
