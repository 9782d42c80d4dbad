"""The types of a method, its input and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine import Preset, Unit
from cnnfix_core.explanations import Fixations
from cnnfix_core.images import Crops, Picture
from cnnfix_core.regions import Box, BoxRule
from cnnfix_core.utils.notebook import marked
from cnnfix_core.zoo import Model

Map = NDArray[np.float32]
Classes = tuple[int, ...]
Asked = int | tuple[int, int] | Unit
# Called with the share that is done, 0 to 1; an exception that it raises stops the method.
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, eq=False)
class MapRequest:
    """The input of a method.

    Attributes:
        model: The network.
        picture: The picture.
        classes: (a,), or (a, b) for "a rather than b".
        crops: The views of the picture to use.
        longest_side: Of the map; None for that of the picture.
        layer: The layer to use; None for the method's default.
        preset: The preset of a walk; None for other methods.
        progress: Called with the share that is done.
        unit: A unit inside the network, asked about instead of a class; only walks take one.
    """

    model: Model
    picture: Picture
    classes: Classes
    crops: Crops
    longest_side: int | None
    layer: str | None
    preset: Preset | None
    progress: Progress
    unit: Unit | None = None

    @property
    def target(self) -> Asked:
        """The class index, both of a contrast, or the unit."""
        if self.unit is not None:
            return self.unit
        first, *other = self.classes
        return (first, other[0]) if other else first


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """The output of a method: a map (H, W) and the layer it used; for walks also the fixations and their box."""

    map: Map
    layer: str | None = None
    fixations: Fixations | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """One way to draw a map.

    title, family (a heading of menus), source and about (a sentence) are for people; so are paper (author, venue),
    cost (in passes through the network) and fits (what networks it is for), which docs/methods.md lists.

    Attributes:
        needs: what a network must have; each says in a sentence why one does not fit, or "".
        box: how to draw a box around what the map shows.
        preset: of a walk, which has a box of its own.
        slow: takes more than about ten forward passes.
        contrasts: takes "a rather than b"; a map that does not depend on the class does not.
        layered: is drawn on a layer that can be chosen.
    """

    name: str
    title: str
    family: str
    source: str
    about: str
    draw: Callable[[MapRequest], Drawing]
    box: BoxRule
    needs: tuple[Callable[[Model], str], ...] = ()
    slow: bool = False
    contrasts: bool = True
    layered: bool = False
    preset: Preset | None = None
    paper: str = ""
    cost: str = ""
    fits: str = "any"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Attribution:
    """A method's answer.

    Attributes:
        map: (H, W) of the original picture, or smaller in its proportions; values >= 0, not normalised.
        layer: the module whose output it was drawn on, if it was.
        fixations: of a walk.
        box: x0, y0, x1, y1, inclusive original pixels; None for a map of zeros.
        asked: the class index, both of a contrast, or the unit.
    """

    method: str
    map: Map
    layer: str | None
    fixations: Fixations | None
    box: Box | None
    asked: Asked
    seconds: float

    def _repr_png_(self) -> bytes:
        """What a notebook shows: the map."""
        return marked(self.map)

    @property
    def nbytes(self) -> int:
        """Roughly, in memory."""
        return self.map.nbytes + 100_000
