"""One method on one picture with a truth: the map, and all that is measured of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from cnnfix_core.images import Picture
from cnnfix_core.methods import Attribution, attribution
from cnnfix_core.metrics.faithfulness import curves
from cnnfix_core.metrics.map_numbers import Numbers, numbers
from cnnfix_core.regions import MAP_SIDE, BoxRule, GroundTruth, box_of
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A map and what is measured of it. insertion, deletion: areas under the curves, NaN where not asked for."""

    found: Attribution
    numbers: Numbers
    insertion: float = math.nan
    deletion: float = math.nan


def measured(
    model: Model,
    picture: Picture,
    truth: GroundTruth,
    asked: int | tuple[int, int],
    method: str,
    steps: int = 0,
    rule: BoxRule | None = None,
) -> Measured:
    """The map of a method for a class or a contrast, at the size at which all maps are compared, with its numbers.

    truth: may be empty; then numbers that need one are NaN. steps: of insertion and deletion; 0 leaves them out.
    rule: for the box, in place of the method's own. Raises CnnfixError where the method fails.
    """
    found = attribution(model, picture, asked, method, longest_side=MAP_SIDE)
    if rule:
        found = replace(found, box=box_of(found.map, rule, picture.width, picture.height))
    said = numbers(found, truth)
    if not steps:
        return Measured(found, said)
    areas = curves(model, picture, found.map, asked, steps)
    return Measured(found, said, areas.insertion_area, areas.deletion_area)
