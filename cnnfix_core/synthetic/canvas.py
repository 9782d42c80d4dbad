"""The canvas on which a scene is drawn, object by object, with antialiased edges."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from cnnfix_core.regions import Box
from cnnfix_core.synthetic import textures
from cnnfix_core.synthetic.scene import PlacedObject
from cnnfix_core.synthetic.shapes import Points

_FINE = 5  # samples per pixel along each axis
_MARGIN = 0.05  # around a shape, for its shadow

Window = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, exclusive


class Canvas:
    """A background and the objects drawn on it; all positions and sizes are shares of the scene's side."""

    def __init__(self, side: int, rng: Generator) -> None:
        """Start a scene of side x side pixels with only a background."""
        self._side = side
        self._pixels = textures.background(rng, textures.grid(0, 0, side, side, side))
        self._ground = self._pixels.mean(axis=(0, 1))
        self.things: list[PlacedObject] = []

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The picture so far, (side, side, 3)."""
        pixels: NDArray[np.uint8] = np.rint(self._pixels.clip(0, 1) * 255).astype(np.uint8)
        return pixels

    def stroke(self, rng: Generator) -> None:
        """Draw a faint band, which belongs to the background and may be behind objects."""
        place, turn = rng.uniform(0, 1, 2), rng.uniform(0, np.pi)
        length, width = rng.uniform(0.15, 0.75), rng.uniform(0.015, 0.06)
        along, across = (np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)]))
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [length, width]
        points = place + corners @ np.stack([along, across])
        window = self._window(points)
        covered = self._covered(self._inside(points, window)) * np.float32(rng.uniform(0.25, 0.7))
        self._blend(window, textures.colour(rng, (0.0, 0.7), (0.1, 1.0)), covered)

    def thing(self, name: str, label: int | None, points: Points, rng: Generator) -> None:
        """Draw a solid shape with its own colour, a faint shadow, and sometimes an outline."""
        window = self._window(points)
        fine = self._inside(points, window)
        covered = self._covered(fine)
        self._blend(window, np.zeros(3, np.float32), self._shadow(covered) * np.float32(rng.uniform(0, 0.45)))
        base = textures.standing_out(rng, self._ground)
        self._blend(window, textures.filling(rng, textures.grid(*window, self._side), base), covered)
        if rng.random() < 0.4:
            inner = ndimage.binary_erosion(fine, iterations=max(1, round(self._side * _FINE / 150)))
            edge = base * 0.35 if rng.random() < 0.6 else 1 - (1 - base) * 0.35
            self._blend(window, edge, covered - self._covered(inner))
        self.things.append(self._as_thing(name, label, window, covered))

    def tag(self, place: tuple[float, float, float, float]) -> Box:
        """Draw a small white label with dark lines, like a photographer's name; returns its box in inclusive pixels."""
        x0, y0, x1, y1 = (round(share * self._side) for share in place)
        plate = self._pixels[y0:y1, x0:x1]
        plate[:] = 0.97
        rows, columns = plate.shape[:2]
        for top, right in ((0.25, 0.9), (0.625, 0.6)):
            upper, lower = round(rows * top), max(round(rows * (top + 0.15)), round(rows * top) + 1)
            plate[upper:lower, round(columns * 0.1) : round(columns * right)] = 0.1
        return x0, y0, x1 - 1, y1 - 1

    def _window(self, points: Points) -> Window:
        x0, y0 = np.floor((points.min(axis=0) - _MARGIN) * self._side).astype(int).clip(0, self._side - 1)
        x1, y1 = np.ceil((points.max(axis=0) + _MARGIN) * self._side).astype(int).clip(1, self._side)
        return int(x0), int(y0), int(x1), int(y1)

    def _inside(self, points: Points, window: Window) -> NDArray[np.bool_]:
        """Which samples of the window's pixels are inside the outline: (H * _FINE, W * _FINE)."""
        x0, y0, x1, y1 = window
        fine = Image.new("1", ((x1 - x0) * _FINE, (y1 - y0) * _FINE))
        corners = np.rint((points * self._side - [x0, y0]) * _FINE - 0.5).astype(int)
        ImageDraw.Draw(fine).polygon([(x, y) for x, y in corners.tolist()], fill=1)
        return np.asarray(fine)

    @staticmethod
    def _covered(fine: NDArray[np.bool_]) -> textures.Array:
        """The covered share of each pixel, (H, W)."""
        height, width = fine.shape[0] // _FINE, fine.shape[1] // _FINE
        covered: textures.Array = fine.reshape(height, _FINE, width, _FINE).mean(axis=(1, 3), dtype=np.float32)
        return covered

    def _shadow(self, covered: textures.Array) -> textures.Array:
        blurred = ndimage.gaussian_filter(covered, self._side * 0.012, truncate=2.0)
        moved: textures.Array = ndimage.shift(blurred, self._side * 0.015, order=1, prefilter=False)
        return moved

    def _blend(self, window: Window, colour: textures.Array, share: textures.Array) -> None:
        """Blend a colour, (3,) or (H, W, 3), into the window's pixels, each by its share."""
        x0, y0, x1, y1 = window
        part = self._pixels[y0:y1, x0:x1]
        part += share[..., None] * (colour - part)

    def _as_thing(self, name: str, label: int | None, window: Window, covered: textures.Array) -> PlacedObject:
        x0, y0, x1, y1 = window
        mask = np.zeros((self._side, self._side), bool)
        mask[y0:y1, x0:x1] = covered > 0.5
        mask.setflags(write=False)
        (rows,), (columns,) = np.nonzero(mask.any(axis=1)), np.nonzero(mask.any(axis=0))
        return PlacedObject(name, label, (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])), mask)
