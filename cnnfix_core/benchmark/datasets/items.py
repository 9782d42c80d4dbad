"""The questions of a benchmark: pictures, each with a label and a truth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnfix_core.benchmark.datasets.annotation import Annotation, AnnotationError, without_ending
from cnnfix_core.benchmark.datasets.masks import open_mask
from cnnfix_core.images import Picture, open_picture, picture_files
from cnnfix_core.regions import GroundTruth

Read = Callable[[], tuple[Picture, GroundTruth]]


@dataclass(frozen=True, slots=True)
class Item:
    """One question: where is the object of this label in this picture?

    picture: its name, one line. label: "" asks about the predicted class. about: what its truth is made of, to tell
    whether it is still the same. read: opens the picture and its truth; raises CnnfixError.
    """

    picture: str
    label: str
    about: str
    read: Read


@dataclass(frozen=True, slots=True)
class Matched:
    """Items, pictures that have no annotation, and annotated pictures that are not there."""

    items: tuple[Item, ...]
    bare: tuple[str, ...]
    missing: tuple[str, ...]


def matched(folder: Path, annotations: Sequence[Annotation]) -> Matched:
    """Pictures below the folder with their annotations, by path or, where it is only one picture's, by name.

    Raises AnnotationError where nothing matches.
    """
    if not folder.is_dir():
        raise AnnotationError(f"{folder} is not a folder: give the folder with the pictures.")
    files = {without_ending(file.relative_to(folder).as_posix()): file for file in picture_files(folder)}
    if not files:
        raise AnnotationError(f"There is no picture in {folder}.")
    places = _by_name(files)
    found = [(places.get(one.picture, ""), one) for one in annotations]
    items = tuple(_item(files[place], place, one) for place, one in found if place)
    if not items:
        raise AnnotationError(
            f"None of the {len(files):,} pictures in {folder} is annotated: they are called as {min(files)!r},"
            f" the annotations as {annotations[0].picture!r}."
        )
    with_truth = {place for place, _ in found}
    bare = tuple(name for name in files if name not in with_truth)
    return Matched(items, bare, tuple(dict.fromkeys(one.picture for place, one in found if not place)))


def some(items: Sequence[Item], limit: int | None, seed: int) -> tuple[Item, ...]:
    """At most `limit` of them, drawn with this seed, in their order."""
    if limit is None or limit >= len(items):
        return tuple(items)
    chosen = np.random.default_rng(seed).permutation(len(items))[:limit]
    return tuple(items[n] for n in np.sort(chosen))


def digest(items: Sequence[Item]) -> str:
    """SHA-256 in hex of names, labels and truths; not of the pictures' pixels."""
    text = "\n".join(f"{item.picture}\t{item.label}\t{item.about}" for item in items)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _by_name(files: dict[str, Path]) -> dict[str, str]:
    """Where each path, and each name that only one picture has, leads."""
    names: dict[str, list[str]] = {}
    for place in files:
        names.setdefault(place.rpartition("/")[2], []).append(place)
    return {**{name: places[0] for name, places in names.items() if len(places) == 1}, **{p: p for p in files}}


def _item(file: Path, place: str, annotation: Annotation) -> Item:
    def read() -> tuple[Picture, GroundTruth]:
        picture = open_picture(file)
        return picture, _truth(picture, annotation)

    about = f"{annotation.boxes} {annotation.size} {annotation.mask and annotation.mask.stat().st_size}"
    return Item(place, annotation.label, about, read)


def _truth(picture: Picture, annotation: Annotation) -> GroundTruth:
    width, height = picture.width, picture.height
    if annotation.size is not None and annotation.size != (width, height):
        size = " x ".join(map(str, annotation.size))
        raise AnnotationError(f"The boxes were drawn for a picture of {size} pixels; this one has {width} x {height}.")
    mask = None if annotation.mask is None else open_mask(annotation.mask, width, height)
    truth = GroundTruth(width, height, annotation.boxes, mask)
    if truth.empty:
        raise AnnotationError("Its truth is empty: no pixel of the picture lies in a box or on the mask.")
    return truth
