"""What visitors share: models, and explanations by picture, model, question and settings."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cnnfix_core import Explanation, Model, Picture, attribute, explain, get_preset, load_model
from cnnfix_core.figures import MAP_SIDE
from cnnfix_core.images import Crops


@st.cache_resource(max_entries=4, show_spinner="Loading the network …")
def model(name: str) -> Model:
    """One network for all visitors."""
    return load_model(name)


@st.cache_data(max_entries=256, max_size="256MB", show_spinner=False)
def explained(
    digest: str,
    model_name: str,
    target: int | tuple[int, int] | None,
    preset: str,
    focus: str | None,
    crops: Crops | None,
    _picture: Picture,
) -> Explanation:
    """The explanation, without its walks; `digest` stands for the picture. crops: None for the preset's own."""
    settings = get_preset(preset, focus)
    settings = settings if crops is None else replace(settings, crops=crops)
    return explain(model(model_name), _picture, target, settings).without_traces()


@st.cache_data(max_entries=256, max_size="256MB", show_spinner=False)
def rival(
    digest: str, model_name: str, target: int | tuple[int, int], crops: Crops, _picture: Picture
) -> NDArray[np.float32]:
    """Grad-CAM of the same question on the same views, at most MAP_SIDE long."""
    return attribute(model(model_name), _picture, target, crops=crops, longest_side=MAP_SIDE)


def density(explanation: Explanation) -> NDArray[np.floating]:
    """The fixations' map, at most MAP_SIDE long."""
    return explanation.density(longest_side=MAP_SIDE)


def labels(model_name: str) -> Sequence[str]:
    """Short names of all classes."""
    return model(model_name).labels.short
