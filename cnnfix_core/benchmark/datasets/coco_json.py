"""Read boxes from JSON in the format of COCO: lists of images, categories and annotations with bbox [x, y, w, h]."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from cnnfix_core.benchmark.datasets.annotation import (
    Annotation,
    AnnotationError,
    Annotations,
    as_float,
    corners,
    read_parts,
)
from cnnfix_core.images import without_ending

MAX_JSON_BYTES = 500_000_000


def read(file: Path) -> Annotations:
    """Read the boxes, with the names of categories as labels. Raises AnnotationError for any other JSON."""
    if file.stat().st_size > MAX_JSON_BYTES:
        raise AnnotationError(f"{file} is larger than {MAX_JSON_BYTES / 1e6:g} MB.")
    try:
        tree = json.loads(file.read_bytes())
        images = {one["id"]: one for one in tree["images"]}
        names = {one["id"]: " ".join(str(one["name"]).split()) for one in tree.get("categories", [])}
        entries = list(tree["annotations"])
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        at = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise AnnotationError(
            f"{file}{at}, is not JSON as COCO writes it: an object with images, categories and annotations."
        ) from error
    read_one = partial(_one, images, names)
    return read_parts(file, "annotation", enumerate(entries), read_one, "it lacks an image, a category or a bbox")


def _one(images: dict[Any, Any], names: dict[Any, str], entry: Any) -> Annotation:
    image, (x, y, width, height) = images[entry["image_id"]], entry["bbox"]
    size = (image.get("width"), image.get("height"))
    known = all(isinstance(side, int) and side > 0 for side in size)
    box = corners((x, y, as_float(x) + as_float(width) - 1, as_float(y) + as_float(height) - 1))
    return Annotation(
        without_ending(image["file_name"]), names[entry["category_id"]], (box,), size=size if known else None
    )
