"""A sentence for pictures of what the network has no class for: it must name something else."""

from __future__ import annotations

from cnnfix_core import Explanation, Model
from cnnfix_core.images import load_sample
from cnnfix_core.metrics import energy_in
from cnnfix_core.regions import MAP_SIDE, GroundTruth
from cnnfix_core.utils import percent
from cnnfix_ui.widgets.uploads import OWN


def sentence(model: Model, name: str, explanation: Explanation) -> str:
    """That the network never learnt what a sample shows, which class is its nearest, and where that evidence lies.

    Args:
        model: The network.
        name: Of the picture in the gallery.
        explanation: Of the picture.

    Returns:
        "" if it has a class for it, for a visitor's own picture, and if another class than the predicted one is asked
        about.
    """
    asked = explanation.target == explanation.predictions[0] and explanation.rather_than is None
    shown = load_sample(name).unseen(model.labels.short) if asked and name != OWN else None
    if shown is None:
        return ""
    map_, target = explanation.map(MAP_SIDE), explanation.target
    truth = GroundTruth(explanation.fixations.width, explanation.fixations.height, shown.boxes)
    return (
        f"{model.title} has no class for “{shown.name}”. Its nearest is “{target.label}”, at "
        f"{percent(target.probability)}: the map shows which pixels made it say so. "
        f"{percent(energy_in(map_, truth.on(map_.shape)))} of it lies in the box of “{shown.name}”, which covers "
        f"{percent(truth.covered)} of the picture."
    )
