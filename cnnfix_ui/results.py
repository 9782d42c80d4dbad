"""What visitors share: networks in memory, and explanations by network, picture, question and settings."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Explanation, Model, Picture, attribute, explain, get_preset
from cnnfix_core.errors import ModelError
from cnnfix_core.figures import MAP_SIDE
from cnnfix_core.images import Crops
from cnnfix_ui.shelf import Shelf

shelf = Shelf()


@dataclass(frozen=True)
class Network:
    """A network to ask. key: differs from that of any other, whosoever it is; answers are kept under it."""

    key: str
    model: Model


_KEYS: dict[str | type[Any], Callable[[Any], Any]] = {
    Picture: lambda picture: picture.digest,
    Network: lambda network: network.key,
}


@st.cache_data(max_entries=256, max_size="256MB", show_spinner=False, hash_funcs=_KEYS)
def explained(
    network: Network,
    picture: Picture,
    target: int | tuple[int | None, int] | None,
    preset: str,
    focus: str | None,
    crops: Crops | None,
) -> Explanation:
    """The explanation, without its walks. crops: None for the preset's own."""
    settings = get_preset(preset, focus)
    settings = settings if crops is None else replace(settings, crops=crops)
    return explain(network.model, picture, target, settings).without_traces()


@st.cache_data(max_entries=256, max_size="256MB", show_spinner=False, hash_funcs=_KEYS)
def rival(network: Network, picture: Picture, target: int | tuple[int, int], crops: Crops) -> NDArray[np.float32] | str:
    """Grad-CAM of the same question on the same views, at most MAP_SIDE long; or in a sentence why there is none."""
    try:
        return attribute(network.model, picture, target, crops=crops, longest_side=MAP_SIDE)
    except ModelError as error:
        return str(error)


def density(explanation: Explanation) -> NDArray[np.floating]:
    """The fixations' map, at most MAP_SIDE long."""
    return explanation.density(longest_side=MAP_SIDE)
