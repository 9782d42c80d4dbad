"""What a screen of a lesson shows, as data: for the questions of a lesson, alone and with a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnfix_core import open_picture
from cnnfix_core.engine import ALL
from cnnfix_core.images import load_sample
from cnnfix_core.lessons import Explained, Screen, asked_by
from cnnfix_ui.server import results
from cnnfix_ui.server.results import Network
from cnnfix_ui.widgets import networks


@dataclass(frozen=True, slots=True, eq=False)
class Seen(Explained):
    """Also the screen's network, for the maps of other methods."""

    network: Network

    def map_by(self, method: str) -> NDArray[np.floating] | None:
        """The map of a method, at most MAP_SIDE long; None if the method does not fit. It waits for its turn."""
        if method == "fixations":
            return self.map()
        asked, crops = self.explanation.asked, self.explanation.preset.crops
        if method == "gradcam":
            found = results.gradcam(self.network, self.picture, asked, crops)
        else:
            found = results.attributed(self.network, self.picture, asked, method)
        return None if isinstance(found, str) else found


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
    return Seen(picture, sample, found if there is None else found.at(there), network)
