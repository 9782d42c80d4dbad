"""A network that learnt to look for a mark in the corner: which methods give it away?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cnnfix_core.explanations import classes
from cnnfix_core.methods import attribution, reason_against
from cnnfix_core.metrics import energy_in, peak_in
from cnnfix_core.regions import MAP_SIDE, GroundTruth
from cnnfix_core.synthetic import CLASSES, HELD_OUT, MARKED, Scene, compose
from cnnfix_core.zoo import Model

_FIRST = HELD_OUT + 600_000
_APART = 10_000
NETWORK, HONEST = "scenes_cleverhans", "scenes_googlenet"


@dataclass(frozen=True, slots=True)
class Told:
    """What one method shows on marked scenes, means: shares of its map, and how often its peak is on the mark.

    NaN where the method does not fit the network.
    """

    method: str
    mark: float
    object: float
    peak: float


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What one network answers, means over scenes: its probability of the marked class, and how often it answers so.

    marked, plain: on scenes of that class, with and without the mark. fooled: on marked scenes of other classes.
    """

    probability_marked: float
    probability_plain: float
    says_marked: float
    says_plain: float
    fooled: float


def seeds(count: int, seed: int = 0) -> list[int]:
    """Of so many scenes that no network has seen; other ones for another seed."""
    return [_FIRST + _APART * seed + n for n in range(count)]


def told(model: Model, drawn: Sequence[int], methods: Sequence[str], done: Callable[[], None]) -> list[Told]:
    """Ask each method about the marked class on marked scenes of it. done: called after each map."""
    scenes = [compose(seed, MARKED, mark=True) for seed in drawn]
    found = []
    for method in methods:
        if reason_against(model, method):
            found.append(Told(method, np.nan, np.nan, np.nan))
            continue
        numbers = []
        for scene in scenes:
            numbers.append(_looked(model, scene, method))
            done()
        found.append(Told(method, *map(float, np.mean(numbers, axis=0))))
    return found


def _looked(model: Model, scene: Scene, method: str) -> tuple[float, float, float]:
    saliency = attribution(model, scene.picture, MARKED, method, longest_side=MAP_SIDE).map
    mark, thing = (truth.on(saliency.shape) for truth in (mark_of(scene), scene.truth))
    return energy_in(saliency, mark), energy_in(saliency, thing), peak_in(saliency, mark)


def mark_of(scene: Scene) -> GroundTruth:
    """Where the mark is."""
    boxes = () if scene.mark is None else (scene.mark,)
    return GroundTruth(scene.picture.width, scene.picture.height, boxes)


def behaviour(model: Model, drawn: Sequence[int]) -> Behaviour:
    """What the network answers, with and without the mark, on the scenes of these seeds."""
    others = [label for label in range(len(CLASSES)) if label != MARKED]
    marked = np.mean([_said(model, compose(seed, MARKED, mark=True)) for seed in drawn], axis=0)
    plain = np.mean([_said(model, compose(seed, MARKED)) for seed in drawn], axis=0)
    strange = [_said(model, compose(seed, others[n % len(others)], mark=True)) for n, seed in enumerate(drawn)]
    fooled = np.mean(strange, axis=0)[1]
    return Behaviour(*map(float, (marked[0], plain[0], marked[1], plain[1], fooled)))


def _said(model: Model, scene: Scene) -> tuple[float, float]:
    """The marked class's probability, and whether it comes first."""
    answer = classes(model, scene.picture)
    return answer.prediction(MARKED).probability, float(answer.top(1)[0].index == MARKED)
