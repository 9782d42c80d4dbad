"""A sentence for pictures of what the network has no class for: it must name something else."""

from __future__ import annotations

import streamlit as st

from cnnfix_core import Explanation, Model
from cnnfix_core.images import load_sample
from cnnfix_core.metrics import energy_in
from cnnfix_core.regions import MAP_SIDE, GroundTruth
from cnnfix_core.utils import percent
from cnnfix_ui.errors import escaped
from cnnfix_ui.widgets.uploads import OWN


def say(model: Model, name: str, explanation: Explanation) -> None:
    """Say that the network never learnt what a sample shows, which class is its nearest, and where that evidence lies.

    Says nothing of a visitor's own picture, nor where another class than the predicted one is asked about.

    Args:
        model: The network.
        name: Of the picture in the gallery.
        explanation: Of the picture.
    """
    asked = explanation.target == explanation.predictions[0] and explanation.rather_than is None
    shown = load_sample(name).unseen(model.labels.short) if asked and name != OWN else None
    if shown is None:
        return
    map_ = explanation.map(MAP_SIDE)
    truth = GroundTruth(explanation.fixations.width, explanation.fixations.height, shown.boxes)
    inside = percent(energy_in(map_, truth.on(map_.shape)))
    target = explanation.target
    st.info(
        escaped(
            f"{model.title} has no class for “{shown.name}”. Its nearest is “{target.label}”, at "
            f"{percent(target.probability)}: the map shows which pixels made it say so. {inside} of it lies in the box "
            f"of “{shown.name}”, which covers {percent(truth.covered)} of the picture."
        ),
        icon=":material/help:",
    )
