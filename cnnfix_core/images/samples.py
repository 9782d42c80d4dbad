"""Photographs to try: the files of assets/samples. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images.picture import Picture, read_file
from cnnfix_site import ASSETS


class SampleError(CnnfixError):
    """No sample has this name."""


@dataclass(frozen=True, slots=True)
class SampleObject:
    """One object of a sample, and where it is.

    Attributes:
        name: what it is: "dog".
        classes: the classes that name it, of any network; none if no network here has one.
        boxes: bounding boxes, one for each time that it occurs: x0, y0, x1, y1 in pixels, inclusive.
        taken_for: the classes that networks take it for.
    """

    name: str
    classes: tuple[str, ...]
    boxes: tuple[tuple[int, int, int, int], ...]
    taken_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One photograph of the gallery.

    Attributes:
        name: its name in addresses and commands: lower-case letters, digits and hyphens.
        title: a few words for a tile.
        note: one sentence on what is interesting to ask.
        credit: who made it.
        licence: short name of the licence.
        source: where it was taken from, an address or a package.
        file: path below assets/.
        objects: what there is to be seen in it, with boxes.
    """

    name: str
    title: str
    note: str
    credit: str
    licence: str
    source: str
    file: str
    objects: tuple[SampleObject, ...] = ()

    @property
    def attribution(self) -> str:
        """Who made it, and its licence: "Benny Trapp, CC BY 3.0"."""
        return f"{self.credit}, {self.licence}"

    def object_of(self, label: str) -> SampleObject | None:
        """The object that a class means, by the class's name; None if the class means none of them."""
        return next((one for one in self.objects if label in (*one.classes, *one.taken_for)), None)

    def boxes_of(self, label: str) -> tuple[tuple[int, int, int, int], ...]:
        """The boxes of what a class means; none if it means none of the objects."""
        found = self.object_of(label)
        return found.boxes if found else ()

    def unseen(self, labels: Collection[str]) -> SampleObject | None:
        """What the picture shows first, if none of these classes names it: a network with them never learnt it."""
        first = next(iter(self.objects), None)
        return None if first is None or set(first.classes) & set(labels) else first

    def read(self) -> bytes:
        """Bytes of the JPEG or PNG file, not decoded."""
        return (ASSETS / self.file).read_bytes()


@cache
def list_samples() -> tuple[Sample, ...]:
    """All samples in the gallery's order; the first is the one to start with."""
    entries = json.loads((ASSETS / "samples.json").read_text("utf-8"))
    return tuple(Sample(**entry | {"objects": tuple(map(_object, entry["objects"]))}) for entry in entries)


def sample_of(name: str) -> Sample | None:
    """The sample with this name; None if there is none, or if a file has that name."""
    return next((one for one in list_samples() if one.name == name and not Path(name).exists()), None)


def credit_of(picture: Picture) -> str:
    """Who made a picture, and its licence, if it is a sample; else ""."""
    return _credits().get(picture.digest, "")


@cache
def _credits() -> dict[str, str]:
    return {hashlib.sha256(one.read()).hexdigest(): one.attribution for one in list_samples()}


def bytes_of(name: str) -> bytes:
    """The bytes of the picture file or sample with this name. Raises PictureError."""
    sample = sample_of(name)
    return sample.read() if sample else read_file(Path(name))


def load_sample(name: str) -> Sample:
    """The sample with this name. Raises SampleError, which lists the known names."""
    samples = {sample.name: sample for sample in list_samples()}
    if name not in samples:
        raise SampleError(f"There is no sample picture {name!r}. There are: {', '.join(samples)}.")
    return samples[name]


def _object(entry: dict[str, Any]) -> SampleObject:
    boxes = tuple(map(tuple, entry["boxes"]))
    return SampleObject(entry["name"], tuple(entry["classes"]), boxes, tuple(entry.get("taken_for", ())))
