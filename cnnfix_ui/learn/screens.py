"""What a screen of a lesson shows, as data: for the questions of a lesson, alone and with a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core import Explanation, Picture, open_picture
from cnnfix_core.engine import ALL
from cnnfix_core.images import Sample, list_samples, load_sample
from cnnfix_core.lessons import ASKABLE, Fact, Screen, asked_by
from cnnfix_core.metrics import evidence_in
from cnnfix_core.modalities.sketches import sketch_samples
from cnnfix_core.regions import MAP_SIDE, GroundTruth
from cnnfix_ui.captions import state as captions
from cnnfix_ui.server import results
from cnnfix_ui.server.results import Network
from cnnfix_ui.sketch import sections
from cnnfix_ui.widgets import networks


@dataclass(frozen=True, eq=False)
class Seen:
    """A screen's network, picture and explanation, at the depth that the screen shows."""

    network: Network
    picture: Picture
    sample: Sample
    explanation: Explanation

    @property
    def facts(self) -> Mapping[Fact, float]:
        """The numbers that can be guessed, in percent; NaN without a box."""
        boxes = self.sample.boxes_of(self.explanation.target.label)
        truth = GroundTruth(self.picture.width, self.picture.height, boxes)
        return {
            "probability": 100 * self.explanation.target.probability,
            "inside": 100 * evidence_in(self.explanation.kept_fixations, truth),
        }

    def map(self, method: str = "fixations") -> NDArray[np.floating] | None:
        """The map of a method, at most MAP_SIDE long; None if the method does not fit. It waits for its turn."""
        if method == "fixations":
            return self.explanation.map(MAP_SIDE)
        asked, crops = self.explanation.asked, self.explanation.preset.crops
        if method == "gradcam":
            found = results.gradcam(self.network, self.picture, asked, crops)
        else:
            found = results.attributed(self.network, self.picture, asked, method)
        return None if isinstance(found, str) else found


@dataclass(frozen=True)
class Shown:
    """The picture of a screen. title: what it is called."""

    picture: Picture
    title: str


def picture_on(screen: Screen) -> Shown | None:
    """The picture that a screen is about; None if it has none."""
    said = screen.settings.get
    if screen.page == "sketch":
        strokes = {one.name: one.strokes for one in sketch_samples()}.get(said("sheet", "cat"), ())
        return Shown(sections.picture_of(strokes, None), "A drawing") if strokes else None
    if screen.page not in (*ASKABLE, "captions"):
        return None
    sample = load_sample(
        said("picture", list_samples()[0].name if screen.page in ASKABLE else captions.SETTINGS["picture"].default)
    )
    return Shown(open_picture(sample.read()), sample.title)


def seen_on(screen: Screen) -> Seen | None:
    """What a screen shows; None if it has no picture with a class. It waits for its turn.

    Works outside of pages, too.

    Raises:
        CnnfixError: The network is not on this machine, or the class cannot be explained.
    """
    asked = asked_by(screen)
    if asked is None:
        return None
    networks.info_of(asked.model)
    network = Network(asked.model, results.loaded(asked.model))
    sample = load_sample(asked.picture)
    picture = open_picture(sample.read())
    found = results.explained(network, picture, asked.target, asked.preset)
    there = asked.depth if asked.depth in (ALL, *found.depths) else None
    return Seen(network, picture, sample, found if there is None else found.at(there))
