"""Boxes and outlines in JSON as LabelMe writes it, one file per picture: a list of shapes with points in pixels."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from cnnfix_core.benchmark.datasets.annotation import Annotation, Annotations, as_float, corners, read_files, read_parts

MAX_LABELME_BYTES = 100_000_000  # the picture may be inside
_POINTS = 2


def read(folder: Path, files: Sequence[Path]) -> Annotations:
    """Read the boxes around the shapes in these files; a file has its picture's name."""
    return read_files(folder, files, _shapes)


def _shapes(file: Path, picture: str) -> Annotations:
    tree = _tree(file)
    read_one = partial(_one, picture, _size(tree))
    return read_parts(file, "shape", enumerate(tree["shapes"]), read_one, "it lacks a label or points")


def _tree(file: Path) -> dict[str, Any]:
    if file.stat().st_size > MAX_LABELME_BYTES:
        raise ValueError(f"it is larger than {MAX_LABELME_BYTES / 1e6:g} MB")
    try:
        tree = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        tree = None
    if not isinstance(tree, dict) or not isinstance(tree.get("shapes"), list):
        raise ValueError("it is not JSON as LabelMe writes it, an object with shapes")
    return tree


def _one(picture: str, size: tuple[int, int] | None, shape: dict[str, Any]) -> Annotation:
    points = _points(shape["points"])
    if len(points) < _POINTS:
        raise ValueError("it is a point, and has no size")
    if shape.get("shape_type") == "circle":  # its centre, and a point on it
        (x, y), (on_x, on_y) = points[:2]
        radius = math.hypot(on_x - x, on_y - y)
        points = [(x - radius, y - radius), (x + radius, y + radius)]
    (x0, y0), (x1, y1) = (tuple(map(side, zip(*points, strict=True))) for side in (min, max))
    box = corners((math.floor(x0), math.floor(y0), math.ceil(x1) - 1, math.ceil(y1) - 1))
    return Annotation(picture, " ".join(str(shape["label"]).split()), (box,), size=size)


def _points(found: Sequence[Any]) -> list[tuple[float, float]]:
    points = [(as_float(x), as_float(y)) for x, y in found]
    if not all(math.isfinite(side) for point in points for side in point):
        raise ValueError("a point is two numbers")
    return points


def _size(tree: dict[str, Any]) -> tuple[int, int] | None:
    width, height = tree.get("imageWidth"), tree.get("imageHeight")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None
