"""CNN Fixations, as published, with signs and shared evidence, and at single depths of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cnnfix_core.engine import coverage
from cnnfix_core.errors import CnnfixError
from cnnfix_core.explanations import depths_of, explain, feature_maps
from cnnfix_core.methods.feature_maps import cached_per_network, computed_from_tape
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
    layer = next((one.module for one in found.maps[0] if one.stride == preset.depth), None)
    return Drawing(shown, layer or None, fixations=found.kept_fixations, box=found.box())


depths = computed_from_tape(lambda tape: depths_of(feature_maps(tape).values()))
"""The depths at which a network shows its evidence, from coarse to fine; the last is 1, the pixels."""


def needs_depth(stride: int) -> Callable[[Model], str]:
    """Why a network shows no evidence at this stride, or ""."""

    def reason(model: Model) -> str:
        found = depths(model)
        if stride in found:
            return ""
        return f"The network has no feature map of stride {stride} that everything passes through; its depths are " + (
            f"{', '.join(map(str, found[:-1]))} and 1, the pixels." if found[1:] else "only the pixels."
        )

    return reason


@cached_per_network
def needs_rules(model: Model) -> str:
    """Why a walk cannot reach the picture, or ""; found by a trial walk on noise."""
    found = coverage(model.module, model.noise(), target=model.top_score)
    return found.summary() if found.stops else ""
