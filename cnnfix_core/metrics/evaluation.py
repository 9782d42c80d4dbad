"""Evaluate one method on one picture with a ground truth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cnnfix_core.engine import Preset
from cnnfix_core.images import Picture
from cnnfix_core.methods import Attribution, Progress, attribution
from cnnfix_core.metrics.faithfulness import curves
from cnnfix_core.metrics.map_numbers import Numbers, numbers
from cnnfix_core.metrics.road import road
from cnnfix_core.metrics.robustness import max_sensitivity
from cnnfix_core.regions import MAP_SIDE, BoxRule, GroundTruth, box_of
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A map and its measurements; NaN if not computed.

    Attributes:
        found: The method's result.
        numbers: Against the ground truth.
        insertion, deletion: Areas under the curves, 0 to 1.
        road: From `road`, -1 to 1.
        sensitivity: From `max_sensitivity`, 0 or more.
    """

    found: Attribution
    numbers: Numbers
    insertion: float = math.nan
    deletion: float = math.nan
    road: float = math.nan
    sensitivity: float = math.nan


def measured(  # noqa: PLR0913  # all but the first five are optional settings
    model: Model,
    picture: Picture,
    truth: GroundTruth,
    asked: int | tuple[int, int],
    method: str,
    steps: int = 0,
    rule: BoxRule | None = None,
    preset: Preset | None = None,
    with_road: bool = False,
    with_sensitivity: bool = False,
    progress: Progress | None = None,
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
        with_road: Also compute ROAD: eight forward passes, and a second or so at 224 x 224 pixels.
        with_sensitivity: Also compute the sensitivity to noise: ten more maps.
        progress: Called with the share of the map that is done, 0 to 1.

    Raises:
        CnnfixError: The method fails.
    """
    found = attribution(model, picture, asked, method, longest_side=MAP_SIDE, preset=preset, progress=progress)
    if rule:
        found = replace(found, box=box_of(found.map, rule, picture.width, picture.height))
    areas = curves(model, picture, found.map, asked, steps) if steps else None
    return Measured(
        found,
        numbers(found, truth),
        areas.insertion_area if areas else math.nan,
        areas.deletion_area if areas else math.nan,
        road(model, picture, found.map, asked) if with_road else math.nan,
        max_sensitivity(model, picture, asked, method) if with_sensitivity else math.nan,
    )
