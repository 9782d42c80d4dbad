"""What a composed scene holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.images import Picture
from cnnfix_core.regions import Box, GroundTruth


@dataclass(frozen=True, slots=True, eq=False)
class PlacedObject:
    """One shape of a scene.

    name: of its class, or what it is ("disc", "bar", ...). label: index of its class, None for a distractor.
    mask: bool (H, W), True where more than half of the pixel shows it; read-only.
    box: x0, y0, x1, y1 of the mask, inclusive pixels.
    """

    name: str
    label: int | None
    box: Box
    mask: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture and where its things are.

    label: the class that the scene is of, that of the first thing. things: the one or two objects of a class, then the
    distractors. mark: where the tell-tale mark is, inclusive pixels, or None.
    """

    picture: Picture
    label: int
    things: tuple[PlacedObject, ...]
    mark: Box | None = None

    @property
    def name(self) -> str:
        """What the scene's class is called."""
        return self.things[0].name

    @property
    def truth(self) -> GroundTruth:
        """Where the object of the scene's class is."""
        return self.truth_of(self.label)

    def truth_of(self, label: int) -> GroundTruth:
        """Where the object of this class is; empty if the scene has none."""
        mask = next((thing.mask for thing in self.things if thing.label == label), None)
        return GroundTruth(self.picture.width, self.picture.height, mask=mask)
