"""Sketches: strokes on a sheet, the picture of them, and how evidence lies on them."""

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

SIDE = 480  # pixels of a sheet
PEN = 0.008  # of the sheet's side: a line's width
MOST_STROKES, MOST_POINTS = 200, 10_000
_FINER = 3  # drawn so many times as large, then scaled down
_NEAR = 0.0125  # of the side: as far from a line evidence is still the line's, two of the network's pixels
_DARK = 128  # grey value below which a pixel is ink

Point = tuple[float, float]
Stroke = tuple[Point, ...]


class SketchError(CnnfixError):
    """These are no strokes."""


@dataclass(frozen=True, slots=True)
class SketchSample:
    """A sketch to begin with. name: for addresses. kind: what it shows, as the network calls it."""

    name: str
    kind: str
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class OnInk:
    """How evidence lies on a sketch.

    ink: share of it on ink or within 1.25 % of the side of it, 0 to 1. covered: the part of the sheet that is so near.
    """

    ink: float
    covered: float


def strokes_of(given: object) -> tuple[Stroke, ...]:
    """Strokes from JSON: lists of [x, y] from 0 to 1, from the upper left corner. Raises SketchError for others."""
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
    """The picture of strokes, black on white, 480 x 480 pixels; or on a sheet that `sheet_of` made of a drawing."""
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
    """A drawing as a sheet: grey, from black to white, dark on light, and square by white margins."""
    grey = ImageOps.autocontrast(Image.fromarray(picture.pixels).convert("L"), cutoff=(1, 40))
    if np.median(np.asarray(grey)) < _DARK:
        grey = ImageOps.autocontrast(ImageOps.invert(Image.fromarray(picture.pixels).convert("L")), cutoff=(1, 40))
    return open_picture(ImageOps.pad(grey, (SIDE, SIDE), color=255).convert("RGB"))


def on_ink(fixations: Fixations, picture: Picture) -> OnInk:
    """How much of the evidence lies on a sketch's ink."""
    ink = Image.fromarray(picture.pixels).convert("L")
    near = _within(np.asarray(ink) < _DARK, round(_NEAR * max(picture.width, picture.height)))
    x, y = fixations.xy.T
    total = fixations.evidence.sum()
    return OnInk(float(fixations.evidence[near[y, x]].sum() / total), float(near.mean()))


def stroke_shares(fixations: Fixations, strokes: Sequence[Stroke]) -> Floats:
    """(strokes,) of the evidence on strokes each stroke's part: each fixation near one counts for the nearest stroke.

    All are 0 where no evidence is near one; otherwise they add up to 1.
    """
    dots = [_dots(stroke) for stroke in strokes]
    owner = np.repeat(np.arange(len(strokes)), [len(one) for one in dots])
    places = (fixations.xy + 0.5) / [fixations.width, fixations.height]
    distance, nearest = KDTree(np.concatenate(dots)).query(places)
    near = distance <= _NEAR + PEN / 2
    shares: Floats = np.bincount(owner[nearest[near]], fixations.evidence[near], len(strokes)).astype(float)
    return shares / shares.sum() if shares.sum() else shares


@cache
def sketch_samples() -> tuple[SketchSample, ...]:
    """Sketches to begin with, drawn for this project."""
    entries = json.loads((ASSETS / "sketches" / "samples.json").read_text("utf-8"))
    return tuple(SketchSample(one["name"], one["kind"], strokes_of(one["strokes"])) for one in entries)


def _within(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    span = np.arange(-pixels, pixels + 1)
    disc = span[:, None] ** 2 + span**2 <= pixels**2
    found: NDArray[np.bool_] = binary_dilation(mask, disc)
    return found


def _dots(stroke: Stroke) -> Floats:
    """Places along a stroke, at most half a pen's width apart: (N, 2)."""
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
