"""The sanity check: does a method's map change when the network forgets what it learnt?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cnnfix_core.benchmark.datasets.items import Item
from cnnfix_core.benchmark.datasets.labels import class_of
from cnnfix_core.errors import CnnfixError
from cnnfix_core.methods import attribution, reason_against
from cnnfix_core.metrics import rank_correlation
from cnnfix_core.perturbations import randomised
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.zoo import Model


def likeness(model: Model, items: Sequence[Item], methods: Sequence[str], done: Callable[[], None]) -> dict[str, float]:
    """For each method, how alike its maps are before and after all weights are shuffled.

    Mean rank correlation over the items, of the annotated class (Adebayo et al., Sanity Checks for Saliency Maps,
    NeurIPS 2018): 1 where the maps do not depend on what was learnt. NaN where the method does not fit, or where one of
    the maps is of one value. done: called after each pair of maps.
    """
    other = randomised(model)
    found = {}
    for method in methods:
        if reason_against(model, method):
            found[method] = float("nan")
            continue
        pairs = []
        for item in items:
            pairs.append(_alike(model, other, item, method))
            done()
        there = [value for value in pairs if np.isfinite(value)]
        found[method] = float(np.mean(there)) if there else float("nan")
    return found


def _alike(model: Model, other: Model, item: Item, method: str) -> float:
    picture, _ = item.read()
    asked = class_of(model.labels, item.label)
    try:
        maps = [attribution(one, picture, asked, method, longest_side=MAP_SIDE).map for one in (model, other)]
    except CnnfixError:  # a walk may end where no weight speaks for the class
        return float("nan")
    return rank_correlation(*maps)
