"""From what is chosen in a walk to the unit of the network that it is, as the target of another walk."""

from __future__ import annotations

import numpy as np

from cnnfix_core.backtrack.picks import Chosen
from cnnfix_core.backtrack.walkthrough import Walked
from cnnfix_core.engine import Unit
from cnnfix_core.errors import TargetError


def unit_of(walked: Walked, chosen: Chosen) -> Unit | None:
    """The chosen channel or element as a unit; None for all channels, or a step that is not what its module returns."""
    step = walked.path.steps[chosen.step]
    if step.operation is None or not step.module or chosen.channel is None:
        return None
    unit = Unit(step.module, chosen.channel)
    if chosen.place is not None or step.field is None:
        selection = walked.trace.selection(step.value)
        rows = chosen.rows(selection, step)
        if not len(rows):
            return None
        position = np.unravel_index(int(selection.index[rows[0]]), step.value.shape)
        unit = Unit(step.module, tuple(int(n) for n in position[1:]))
    try:
        return unit if unit.computed(walked.trace.tape)[1] is step.value else None
    except TargetError:
        return None
