"""What a screen shows, as data: its picture, and what the network used for its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cnnfix_core.explanations import Explanation, explain
from cnnfix_core.images import Picture, Sample, list_samples, load_sample, open_picture
from cnnfix_core.lessons.lesson import Fact, Screen
from cnnfix_core.lessons.screens import ASKABLE, asked_by
from cnnfix_core.metrics import evidence_in
from cnnfix_core.modalities.sketches import sketch, sketch_samples
from cnnfix_core.regions import MAP_SIDE, GroundTruth
from cnnfix_core.zoo import load_model

_CAPTIONED = "german-shepherd"  # what Captions shows first


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """The picture of a screen. title: what it is called."""

    picture: Picture
    title: str


class Answering(Protocol):
    """A screen's picture with what the network used for its answer."""

    @property
    def picture(self) -> Picture:
        """The picture."""

    @property
    def facts(self) -> Mapping[Fact, float]:
        """See `facts_of`."""

    def map(self) -> NDArray[np.floating] | None:
        """The map of the fixations."""


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """A screen's picture and explanation."""

    picture: Picture
    sample: Sample
    explanation: Explanation

    @property
    def facts(self) -> Mapping[Fact, float]:
        """See `facts_of`."""
        return facts_of(self.explanation, self.picture, self.sample)

    def map(self) -> NDArray[np.floating]:
        """The map of the fixations, at most MAP_SIDE long."""
        return self.explanation.map(MAP_SIDE)


def picture_on(screen: Screen) -> Shown | None:
    """The picture that a screen is about; None if it has none."""
    said = screen.settings.get
    if screen.page == "sketch":
        found = next((one for one in sketch_samples() if one.name == said("sheet", "cat")), None)
        return Shown(sketch(found.strokes), f"A drawing: {found.kind}") if found else None
    if screen.page not in (*ASKABLE, "captions"):
        return None
    usual = _CAPTIONED if screen.page == "captions" else list_samples()[0].name
    sample = load_sample(said("picture", usual))
    return Shown(open_picture(sample.read()), sample.title)


def explained_on(screen: Screen, device: str = "cpu") -> Explained | None:
    """What a screen's network used; None if it has no picture with a class. Raises CnnfixError.

    device: Where the network runs.
    """
    asked = asked_by(screen)
    if asked is None:
        return None
    sample = load_sample(asked.picture)
    picture, model = open_picture(sample.read()), load_model(asked.model).on(device)
    return Explained(picture, sample, explain(model, picture, asked.target, asked.preset))


def facts_of(explanation: Explanation, picture: Picture, sample: Sample) -> Mapping[Fact, float]:
    """The numbers that can be guessed, in percent; NaN where the class means nothing that has a box."""
    truth = GroundTruth(picture.width, picture.height, sample.boxes_of(explanation.target.label))
    return {
        "probability": 100 * explanation.target.probability,
        "inside": 100 * evidence_in(explanation.kept_fixations, truth),
    }


def number_text(number: float, unit: str) -> str:
    """A number as a person says it: whole from 10 on, else with two digits; 1,280 for thousands."""
    return f"{number:,.0f} {unit}".strip() if abs(number) >= 9.95 else f"{number:.2g} {unit}".strip()
