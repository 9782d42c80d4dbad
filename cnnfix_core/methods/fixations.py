"""The walks of this project as methods beside others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnfix_core.engine import coverage
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import explain
from cnnfix_core.methods.feature_maps import grey, once_a_network
from cnnfix_core.methods.method import Drawing, MapRequest
from cnnfix_core.zoo import Model


def walk(question: MapRequest) -> Drawing:
    """The density of the fixations under a preset."""
    if question.preset is None:
        raise CnnfixError("A walk needs a preset.")
    question.progress(0.0)
    preset = replace(question.preset, crops=question.crops)
    found = explain(question.model, question.picture, question.asked, preset).without_traces()
    density = found.density(longest_side=question.longest_side).astype(np.float32)
    return Drawing(density, fixations=found.kept_fixations, box=found.box())


@once_a_network
def needs_rules(model: Model) -> str:
    """Why a walk would not get through the network, or ""; found by one on a grey picture."""
    found = coverage(model.module, grey(model))
    return found.summary() if found.stops else ""
