"""Sketches: strokes, the picture of them, and how much evidence is on their ink."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps
from scipy.ndimage import binary_dilation
from scipy.spatial import KDTree

from cnnfix_core.arrays import Floats
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import Fixations
from cnnfix_core.images import Picture, open_picture
from cnnfix_site import ASSETS

SIDE = 480  # side of a sheet in pixels
PEN = 0.008  # width of a line, as a fraction of the side
MOST_STROKES, MOST_POINTS = 200, 10_000
_FINER = 3  # strokes are drawn this many times larger, then scaled down
_NEAR = 0.0125  # within this fraction of the side, two of the network's pixels, evidence counts as on the line
_DARK = 128  # grey value below which a pixel is ink

Point = tuple[float, float]
Stroke = tuple[Point, ...]


class SketchError(CnnfixError):
    """The strokes cannot be used."""


@dataclass(frozen=True, slots=True)
class SketchSample:
    """A sample sketch.

    Attributes:
        name: A short name, for URLs.
        kind: What it shows, by the network's name for it.
        strokes: The strokes.
    """

    name: str
    kind: str
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class OnInk:
    """How much of the evidence is on the ink of a sketch.

    Attributes:
        ink: The share of the evidence on ink, or no further from it than 1.25 % of the side; 0 to 1.
        covered: The share of the sheet's area that is on ink or this close to it, for comparison.
    """

    ink: float
    covered: float


def strokes_of(given: object) -> tuple[Stroke, ...]:
    """Read strokes from JSON: lists of [x, y] from 0 to 1, from the upper left corner.

    Raises:
        SketchError: The format is different, or there are too many strokes or points.
    """
    try:
        strokes = tuple(tuple((float(x), float(y)) for x, y in stroke) for stroke in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise SketchError("Strokes are lists of points [x, y], from 0 to 1.") from None
    points = [number for stroke in strokes for point in stroke for number in point]
    if not all(stroke for stroke in strokes) or not all(0 <= number <= 1 for number in points):
        raise SketchError("Strokes are lists of points [x, y], from 0 to 1.")
    if len(strokes) > MOST_STROKES or len(points) > 2 * MOST_POINTS:
        raise SketchError(f"A sketch has at most {MOST_STROKES} strokes and {MOST_POINTS:,} points.")
    return strokes


def sketch(strokes: Sequence[Stroke], sheet: Picture | None = None) -> Picture:
    """Draw strokes in black on white, 480 x 480 pixels, or on a sheet that `sheet_of` made from a drawing."""
    large = SIDE * _FINER
    drawn = Image.new("L", (large, large), 255)
    draw, width = ImageDraw.Draw(drawn), round(PEN * large)
    for stroke in strokes:
        points = [(x * large, y * large) for x, y in stroke]
        draw.line(points, 0, width, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=0)
    pixels = np.asarray(drawn.resize((SIDE, SIDE), Image.Resampling.BOX).convert("RGB"))
    return open_picture(pixels if sheet is None else np.minimum(pixels, sheet.pixels))


def sheet_of(picture: Picture) -> Picture:
    """Turn a drawing into a sheet: dark on light, greyscale with full contrast, padded with white to a square."""
    grey = ImageOps.autocontrast(Image.fromarray(picture.pixels).convert("L"), cutoff=(1, 40))
    if np.median(np.asarray(grey)) < _DARK:
        grey = ImageOps.autocontrast(ImageOps.invert(Image.fromarray(picture.pixels).convert("L")), cutoff=(1, 40))
    return open_picture(ImageOps.pad(grey, (SIDE, SIDE), color=255).convert("RGB"))


def on_ink(fixations: Fixations, picture: Picture) -> OnInk:
    """Measure how much of the evidence is on a sketch's ink."""
    ink = Image.fromarray(picture.pixels).convert("L")
    near = _within(np.asarray(ink) < _DARK, round(_NEAR * max(picture.width, picture.height)))
    x, y = fixations.xy.T
    total = fixations.evidence.sum()
    return OnInk(float(fixations.evidence[near[y, x]].sum() / total), float(near.mean()))


def stroke_shares(fixations: Fixations, strokes: Sequence[Stroke]) -> Floats:
    """The share of each stroke in the evidence that is on or near strokes: (strokes,).

    A fixation counts for the nearest stroke. The shares sum to 1, or are all 0 if no evidence is near a stroke.
    """
    dots = [_dots(stroke) for stroke in strokes]
    owner = np.repeat(np.arange(len(strokes)), [len(one) for one in dots])
    points = (fixations.xy + 0.5) / [fixations.width, fixations.height]
    distance, nearest = KDTree(np.concatenate(dots)).query(points)
    near = distance <= _NEAR + PEN / 2
    shares: Floats = np.bincount(owner[nearest[near]], fixations.evidence[near], len(strokes)).astype(float)
    return shares / shares.sum() if shares.sum() else shares


@cache
def sketch_samples() -> tuple[SketchSample, ...]:
    """Sample sketches, drawn for this project."""
    entries = json.loads((ASSETS / "sketches" / "samples.json").read_text("utf-8"))
    return tuple(SketchSample(one["name"], one["kind"], strokes_of(one["strokes"])) for one in entries)


def _within(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    span = np.arange(-pixels, pixels + 1)
    disc = span[:, None] ** 2 + span**2 <= pixels**2
    found: NDArray[np.bool_] = binary_dilation(mask, disc)
    return found


def _dots(stroke: Stroke) -> Floats:
    """Points along a stroke, at most half a line's width apart: (N, 2)."""
    points = np.array(stroke)
    if len(points) == 1:
        return points
    lengths = np.hypot(*np.diff(points, axis=0).T)
    counts = np.maximum(1, np.ceil(lengths / (PEN / 2)).astype(int))
    parts = [
        start + (end - start) * np.arange(count)[:, None] / count
        for start, end, count in zip(points, points[1:], counts, strict=False)
    ]
    return np.concatenate([*parts, points[-1:]])
