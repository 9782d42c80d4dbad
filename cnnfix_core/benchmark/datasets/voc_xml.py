"""Boxes in XML, one file per picture, as in ImageNet and PASCAL VOC."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from cnnfix_core.benchmark.datasets.annotation import (
    Annotation,
    AnnotationError,
    Annotations,
    corners,
    together,
    whole_size,
)

MAX_XML_BYTES = 1_000_000
MAX_OBJECTS = 1000
_SIDES = ("xmin", "ymin", "xmax", "ymax")


class _Plain(ET.TreeBuilder):
    """Refuses document types, and so entities, which could expand without limit or refer to other files."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise AnnotationError("it declares a document type, which annotations do not need")


def read(folder: Path, files: Sequence[Path]) -> Annotations:
    """Read the boxes in these files; a file has its picture's name."""
    found: list[Annotation] = []
    complaints: list[str] = []
    for file in files:
        try:
            found += _one(file.relative_to(folder).with_suffix("").as_posix(), file)
        except (AnnotationError, ET.ParseError, LookupError, ValueError, OSError) as error:
            complaints.append(f"{file} is left out: {_why(error)}.")
    return Annotations(tuple(found), tuple(complaints))


def _one(picture: str, file: Path) -> tuple[Annotation, ...]:
    if file.stat().st_size > MAX_XML_BYTES:
        raise AnnotationError(f"it is larger than {MAX_XML_BYTES / 1e6:g} MB")
    tree = ET.fromstring(file.read_bytes(), ET.XMLParser(target=_Plain()))
    objects = tree.findall("object")
    if not objects:
        raise AnnotationError("it names no object")
    if len(objects) > MAX_OBJECTS:
        raise AnnotationError(f"it names more than {MAX_OBJECTS} objects")
    size = _size(tree)
    return together(
        Annotation(picture, " ".join((thing.findtext("name") or "").split()), (_box(thing),), size=size)
        for thing in objects
    )


def _box(thing: ET.Element) -> tuple[int, int, int, int]:
    return corners(thing.findtext(f"bndbox/{side}") for side in _SIDES)


def _size(tree: ET.Element) -> tuple[int, int] | None:
    return whole_size(tree.findtext("size/width") or "", tree.findtext("size/height") or "")


def _why(error: Exception) -> str:
    if isinstance(error, ET.ParseError):
        line = error.position[0]
        return f"line {line} is not XML"
    return error.strerror or "it cannot be read" if isinstance(error, OSError) else str(error)
