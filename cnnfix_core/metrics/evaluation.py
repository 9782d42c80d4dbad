"""Evaluate one method on one picture with a ground truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cnnfix_core.engine import Preset
from cnnfix_core.images import Picture
from cnnfix_core.methods import Attribution, attribution
from cnnfix_core.metrics.faithfulness import curves
from cnnfix_core.metrics.map_numbers import Numbers, numbers
from cnnfix_core.regions import MAP_SIDE, BoxRule, GroundTruth, box_of
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A map and its measurements. insertion, deletion: areas under the curves, NaN if not computed."""

    found: Attribution
    numbers: Numbers
    insertion: float = math.nan
    deletion: float = math.nan


def measured(  # noqa: PLR0913  # all but the first five are optional settings
    model: Model,
    picture: Picture,
    truth: GroundTruth,
    asked: int | tuple[int, int],
    method: str,
    steps: int = 0,
    rule: BoxRule | None = None,
    preset: Preset | None = None,
) -> Measured:
    """Compute a method's map, at the size at which all maps are compared, and measure it.

    Args:
        model: The network.
        picture: The picture.
        truth: The ground truth. If it is empty, the numbers that need it are NaN.
        asked: A class, or (a, b) for "a rather than b".
        method: Name of the method.
        steps: Number of steps of insertion and deletion; 0 leaves them out.
        rule: How to derive the box, instead of the method's own rule.
        preset: Of walks; None for the method's own.

    Raises:
        CnnfixError: The method fails.
    """
    found = attribution(model, picture, asked, method, longest_side=MAP_SIDE, preset=preset)
    if rule:
        found = replace(found, box=box_of(found.map, rule, picture.width, picture.height))
    measurements = numbers(found, truth)
    if not steps:
        return Measured(found, measurements)
    areas = curves(model, picture, found.map, asked, steps)
    return Measured(found, measurements, areas.insertion_area, areas.deletion_area)
