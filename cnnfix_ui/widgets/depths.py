"""The depths of an explanation for the slider under its map: what each is called, and its map as it is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core.engine import ALL, Depth, depth_of
from cnnfix_core.explanations import OnPicture
from cnnfix_core.regions import MAP_SIDE
from cnnfix_ui.address import Setting
from cnnfix_ui.components.panels.component import Layer
from cnnfix_ui.server.cache import Cache

_TEXTS: dict[Depth, tuple[str, str]] = {
    ALL: ("All depths", "The places on which the evidence at all depths of the network agrees."),
    1: ("Pixels", "The evidence that arrived at the pixels: the density of the fixations."),
}


@dataclass(frozen=True, eq=False)
class Chosen:
    """The depth at which a map is shown, and the layers of its panel: one if there is nothing to choose from."""

    depth: Depth
    every: Mapping[Depth, Layer]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What the slider leads to."""
        return tuple(self.every.values())

    @property
    def number(self) -> int:
        """The number of the layer at this depth."""
        return list(self.every).index(self.depth)

    @property
    def nbytes(self) -> int:
        """Memory of the maps that were computed."""
        return sum(layer.nbytes for layer in self.layers) + 1_000

    @property
    def map(self) -> NDArray[np.floating]:
        """The map at this depth, at most MAP_SIDE long."""
        return self.every[self.depth].map

    def choose(self, number: int) -> None:
        """Choose the depth of the layer with this number, which comes from the browser and may be too large."""
        if number < len(self.every):
            st.session_state["depth"] = list(self.every)[number]


# A megabyte for each map of an answer that somebody looked at.
_known: Cache[OnPicture, Chosen] = Cache(200_000_000, lambda one: one.nbytes)

# In the address of every page with a slider; None for the preset's own depth.
DEPTH = Setting(None, depth_of)


def chosen(evidence: OnPicture) -> Chosen:
    """The depth that the visitor has chosen, or that of the preset where the network does not have it."""
    depth: Depth | None = st.session_state["depth"]
    found = usual(evidence)
    return found if depth is None or depth not in found.every else replace(found, depth=depth)


def usual(evidence: OnPicture) -> Chosen:
    """The depth of the preset; all depths joined is followed by each from coarse to fine."""
    return _known.get(evidence, lambda: _drawn(evidence))


def _drawn(evidence: OnPicture) -> Chosen:
    usually = evidence.preset.depth
    if len(evidence.depths) < 2:
        return Chosen(usually, {usually: Layer(partial(evidence.map, MAP_SIDE))})
    texts = dict(_TEXTS)
    for found in evidence.maps[0]:
        size = "{1} × {0}".format(*found.evidence.shape)
        about = f"The evidence at the last feature map of {size} places that everything passes through."
        texts[found.stride] = size, about
    every: tuple[Depth, ...] = (ALL, *evidence.depths)
    return Chosen(usually, {depth: Layer(partial(evidence.map, MAP_SIDE, depth), *texts[depth]) for depth in every})
