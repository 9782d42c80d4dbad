"""Evaluate one method on one picture with a ground truth."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.engine import Preset
from cnnfix_core.images import Picture
from cnnfix_core.methods import Attribution, Progress, attribution
from cnnfix_core.metrics.faithfulness import curves
from cnnfix_core.metrics.localisation import cut_out_iou
from cnnfix_core.metrics.map_numbers import Numbers, numbers
from cnnfix_core.metrics.road import road
from cnnfix_core.metrics.robustness import SAMPLES, max_sensitivity
from cnnfix_core.regions import MAP_SIDE, BoxRule, GroundTruth, box_of, cut_out
from cnnfix_core.zoo import Model

Also = Literal["road", "sensitivity", "cut_outs"]
"""What is measured only if it is asked for: ROAD, the sensitivity to noise, the object that is cut out."""
ALSO: tuple[Also, ...] = ("road", "sensitivity", "cut_outs")


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A map and its measurements; NaN if not computed.

    Attributes:
        found: The method's result.
        numbers: Against the ground truth.
        insertion, deletion: Areas under the curves, 0 to 1.
        road: From `road`, -1 to 1.
        sensitivity: From `max_sensitivity`, 0 or more.
        cut_out: What is cut out from the map, (H, W) of the picture; None if that was not asked for.
        cut_out_area: Its share of the picture, 0 to 1.
        cut_out_iou: From `cut_out_iou`, 0 to 1.
    """

    found: Attribution
    numbers: Numbers
    insertion: float = math.nan
    deletion: float = math.nan
    road: float = math.nan
    sensitivity: float = math.nan
    cut_out: NDArray[np.bool_] | None = None
    cut_out_area: float = math.nan
    cut_out_iou: float = math.nan


def measured(  # noqa: PLR0913  # all but the first five are optional settings
    model: Model,
    picture: Picture,
    truth: GroundTruth,
    asked: int | tuple[int, int],
    method: str,
    steps: int = 0,
    rule: BoxRule | None = None,
    preset: Preset | None = None,
    also: Collection[Also] = (),
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
        also: What else to compute: ROAD takes eight forward passes, and a second or so at 224 x 224 pixels; the
            sensitivity to noise takes ten more maps.
        progress: Called with the share of the maps that is done, 0 to 1.

    Raises:
        CnnfixError: The method fails.
    """
    maps = 2 + SAMPLES if "sensitivity" in also else 1

    def share_of(first: int, count: int) -> Progress | None:
        return progress and (lambda share: progress((first + count * share) / maps))

    found = attribution(model, picture, asked, method, longest_side=MAP_SIDE, preset=preset, progress=share_of(0, 1))
    if rule:
        found = replace(found, box=box_of(found.map, rule, picture.width, picture.height))
    areas = curves(model, picture, found.map, asked, steps) if steps else None
    cut = cut_out(picture.pixels, found.map) if "cut_outs" in also else None
    return Measured(
        found,
        numbers(found, truth),
        areas.insertion_area if areas else math.nan,
        areas.deletion_area if areas else math.nan,
        road(model, picture, found.map, asked) if "road" in also else math.nan,
        max_sensitivity(model, picture, asked, method, preset=preset, progress=share_of(1, maps - 1))
        if "sensitivity" in also
        else math.nan,
        cut,
        math.nan if cut is None else float(cut.mean()),
        math.nan if cut is None else cut_out_iou(cut, truth),
    )
