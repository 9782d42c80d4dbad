"""How much people and a network agree, in one sentence. Agreement is never called right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.gaze.baselines import between_halves
from cnnfix_core.gaze.looks import Looks, look_map, together
from cnnfix_core.gaze.measures import agreement
from cnnfix_core.methods import blob
from cnnfix_core.metrics import energy_in
from cnnfix_core.regions import GroundTruth, region_holding
from cnnfix_core.utils import percent

EVIDENCE_SHARE = 0.75
"""A tap is on the evidence inside the smallest region that holds this share of the map; the maps draw its border."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """How much people and a network agree on one picture; agreements are of 100, see `agreement`.

    Attributes:
        people: How many observers.
        taps: How many points, all observers together; 0 if they drew boxes.
        hits: How many of them lie on the network's evidence, see `EVIDENCE_SHARE`.
        held: The share of the network's map inside the box that the first observer drew, 0 to 1; NaN without a box.
        covered: The share of the picture that the evidence covers, 0 to 1: of taps anywhere as many would hit.
        network: The people's map with the network's.
        halves: One half of the people with the other, `between_halves`; NaN for one observer.
        blob: The people's map with a blob in the middle, in place of the network's.
    """

    people: int
    taps: int
    hits: int
    held: float
    covered: float
    network: float
    halves: float
    blob: float

    @property
    def on_evidence(self) -> str:
        """Where the points of one observer lie: "2 of your 3 taps were on its evidence."."""
        if not self.taps:
            return f"Your box holds {percent(self.held)} of its map."
        if self.taps == 1:
            return f"Your tap was {'' if self.hits else 'not '}on its evidence."
        count = f"{self.hits or 'None'} of your {self.taps} taps"
        return f"{count} {'was' if self.hits < 2 else 'were'} on its evidence."

    @property
    def numbers(self) -> str:
        """The agreements: "The class and the network agree 41 of 100. A blob in the middle scores 35."."""
        return self.told_of("you" if self.people == 1 else "the class")

    def told_of(self, who: str) -> str:
        """The agreements of these people, such as "the observers"."""
        halves = "" if math.isnan(self.halves) else f" Two halves of {who} agree {self.halves:.0f}."
        middle = f"A blob in the middle scores {self.blob:.0f}."
        return f"{who[0].upper()}{who[1:]} and the network agree {self.network:.0f} of 100.{halves} {middle}"

    @property
    def sentence(self) -> str:
        """The agreements; for one observer also where the points lie."""
        return f"{self.on_evidence} {self.numbers}" if self.people == 1 else self.numbers


def agreed(
    observers: Sequence[Looks], map_: NDArray[np.floating], sigma: float | tuple[float, float] | None = None
) -> Agreed:
    """Compare where people looked with a network's map.

    Args:
        observers: The points of each, at least one, all of the picture that the map is of.
        map_: (H, W) of the picture or smaller, values >= 0, in any unit.
        sigma: The blur of the points, in pixels of the picture, see `look_map`.
    """
    rows, columns = map_.shape
    everybody = together(observers)
    seen = look_map(everybody, sigma, max(map_.shape))
    evidence = region_holding(map_, EVIDENCE_SHARE)
    boxes = any(one.box for one in observers)
    return Agreed(
        people=len(observers),
        taps=0 if boxes else len(everybody),
        hits=0 if boxes else int(evidence.reshape(-1)[everybody.cells(map_.shape)].sum()),
        held=_held(observers[0], map_),
        covered=float(evidence.mean()),
        network=agreement(seen, map_),
        halves=between_halves(observers, sigma, max(map_.shape)),
        blob=agreement(seen, blob(columns, rows)),
    )


def _held(one: Looks, map_: NDArray[np.floating]) -> float:
    """The share of the map inside an observer's box; NaN without one."""
    if one.box is None:
        return math.nan
    return energy_in(map_, GroundTruth(*one.size, (one.box,)).on(map_.shape))
