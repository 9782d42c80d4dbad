"""CNN Fixations, as two of the methods."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnfix_core.engine import coverage
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import explain
from cnnfix_core.methods.feature_maps import cached_per_network
from cnnfix_core.methods.method import Drawing, MapRequest
from cnnfix_core.zoo import Model


def walk(request: MapRequest) -> Drawing:
    """Where the evidence of a walk with a preset lies."""
    if request.preset is None:
        raise CnnfixError("A walk needs a preset.")
    request.progress(0.0)
    preset = replace(request.preset, crops=request.crops)
    found = explain(request.model, request.picture, request.target, preset).without_traces()
    shown = found.map(request.longest_side).astype(np.float32)
    return Drawing(shown, fixations=found.kept_fixations, box=found.box())


@cached_per_network
def needs_rules(model: Model) -> str:
    """Why a walk cannot reach the picture, or ""; found by a trial walk on noise."""
    found = coverage(model.module, model.noise(), target=model.top_score)
    return found.summary() if found.stops else ""
