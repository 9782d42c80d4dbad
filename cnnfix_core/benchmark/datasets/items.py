"""The items of a benchmark: pictures, each with a label and a ground truth."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from cnnfix_core.benchmark.datasets.annotation import Annotation, AnnotationError
from cnnfix_core.benchmark.datasets.masks import open_mask
from cnnfix_core.benchmark.results import Question
from cnnfix_core.images import Picture, by_unique_name, named_pictures, open_picture, without_ending
from cnnfix_core.regions import GroundTruth

Read = Callable[[], tuple[Picture, GroundTruth]]


@dataclass(frozen=True, slots=True)
class Item:
    """One picture with a label and a ground truth.

    Attributes:
        picture: Its name, on one line.
        label: The annotated label; "" to explain the predicted class.
        about: A description of the ground truth, which changes when the ground truth does.
        read: Opens the picture and its ground truth; raises CnnfixError.
        rather_than: The label of a class that `label` is contrasted with; "" for none.
        others: Where the objects are that were not asked about; None if nobody knows.
    """

    picture: str
    label: str
    about: str
    read: Read
    rather_than: str = ""
    others: Callable[[], GroundTruth] | None = None

    @property
    def question(self) -> Question:
        """What is asked, as in a row of results."""
        return self.picture, self.label, self.rather_than


@dataclass(frozen=True, slots=True)
class Matched:
    """Items, pictures without an annotation, and annotated pictures that are missing."""

    items: tuple[Item, ...]
    bare: tuple[str, ...]
    missing: tuple[str, ...]


def matched(folder: Path, annotations: Sequence[Annotation]) -> Matched:
    """Match the pictures in a folder and its subfolders with their annotations, by path or by unique file name.

    Raises:
        AnnotationError: Nothing matches.
    """
    if not folder.is_dir():
        raise AnnotationError(f"{folder} is not a folder: give the folder with the pictures.")
    files = named_pictures(folder)
    if not files:
        raise AnnotationError(f"There is no picture in {folder}.")
    paths = by_unique_name(files)
    found = [(paths.get(one.picture) or paths.get(_on_one_line(one.picture), ""), one) for one in annotations]
    items = tuple(_item(files[path], path, one) for path, one in found if path)
    if not items:
        raise AnnotationError(
            f"None of the {len(files):,} pictures in {folder} is annotated: a picture is called {min(files)!r}, "
            f"an annotation is for {annotations[0].picture!r}."
        )
    annotated = {path for path, _ in found}
    bare = tuple(name for name in files if name not in annotated)
    return Matched(items, bare, tuple(dict.fromkeys(one.picture for path, one in found if not path)))


def _on_one_line(stem: str) -> str:
    """The name of a mask or an XML file as `named_pictures` writes that of its picture: one kind of white space."""
    return without_ending(f"{stem}.png")


def sample_items(items: Sequence[Item], limit: int | None, seed: int) -> tuple[Item, ...]:
    """A random sample of at most `limit` items, in their original order."""
    if limit is None or limit >= len(items):
        return tuple(items)
    chosen = np.random.default_rng(seed).permutation(len(items))[:limit]
    return tuple(items[n] for n in np.sort(chosen))


def without_labels(items: Sequence[Item]) -> tuple[Item, ...]:
    """One item for each picture, without a label: the ground truth is where any of its labelled objects is."""
    by_picture: dict[str, list[Item]] = {}
    for item in items:
        by_picture.setdefault(item.picture, []).append(item)
    return tuple(
        Item(name, "", "; ".join(one.about for one in those), partial(_read_all, [one.read for one in those]))
        for name, those in by_picture.items()
    )


def _read_all(reads: Sequence[Read]) -> tuple[Picture, GroundTruth]:
    found = [read() for read in reads]
    picture = found[0][0]
    masks = [truth.mask for _, truth in found if truth.mask is not None]
    boxes = tuple(box for _, truth in found for box in truth.boxes)
    return picture, GroundTruth(picture.width, picture.height, boxes, np.logical_or.reduce(masks) if masks else None)


def digest(items: Sequence[Item]) -> str:
    """SHA-256, in hex, of names, labels and ground truths, but not of the pictures' pixels."""
    text = "\n".join(f"{item.picture}\t{item.label}\t{item.about}" for item in items)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _item(file: Path, name: str, annotation: Annotation) -> Item:
    def read() -> tuple[Picture, GroundTruth]:
        picture = open_picture(file)
        return picture, _truth(picture, annotation)

    about = f"{annotation.boxes} {annotation.size} {annotation.mask and _digest_of_file(annotation.mask)}"
    if annotation.shares:
        about += f" {annotation.shares}"
    return Item(name, annotation.label, about, read)


def _digest_of_file(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:  # gone by now: its rows will say so
        return ""


def _truth(picture: Picture, annotation: Annotation) -> GroundTruth:
    width, height = picture.width, picture.height
    if annotation.size is not None and annotation.size != (width, height):
        size = " x ".join(map(str, annotation.size))
        raise AnnotationError(f"The boxes were drawn for a picture of {size} pixels; this one has {width} x {height}.")
    mask = None if annotation.mask is None else open_mask(annotation.mask, width, height)
    truth = GroundTruth(width, height, annotation.boxes_in(width, height), mask)
    if truth.empty:
        raise AnnotationError("Its ground truth is empty: no pixel of the picture lies in a box or on the mask.")
    return truth
