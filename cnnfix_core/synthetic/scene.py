"""A composed scene and its objects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.images import Picture
from cnnfix_core.regions import Box, GroundTruth


@dataclass(frozen=True, slots=True, eq=False)
class PlacedObject:
    """One shape of a scene.

    Attributes:
        name: Its class, or the kind of distractor ("disc", "bar", ...).
        label: Index of its class; None for a distractor.
        box: x0, y0, x1, y1 of the mask, in inclusive pixels.
        mask: bool (H, W), True where the shape covers more than half of the pixel; read-only.
    """

    name: str
    label: int | None
    box: Box
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture and the locations of its objects.

    Attributes:
        picture: The picture.
        label: The class of the scene, which is that of the first object.
        things: One or two objects of a class, then the distractors.
        mark: Box of the tell-tale mark in inclusive pixels, or None.
    """

    picture: Picture
    label: int
    things: tuple[PlacedObject, ...]
    mark: Box | None = None

    @property
    def name(self) -> str:
        """Name of the scene's class."""
        return self.things[0].name

    @property
    def truth(self) -> GroundTruth:
        """Where the object of the scene's class is."""
        return self.truth_of(self.label)

    def truth_of(self, label: int) -> GroundTruth:
        """Where the object of this class is; empty if the scene has none."""
        mask = next((thing.mask for thing in self.things if thing.label == label), None)
        return GroundTruth(self.picture.width, self.picture.height, mask=mask)
