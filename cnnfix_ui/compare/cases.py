"""A question made ready: the network and picture in memory, the predictions, and the class that is explained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from cnnfix_core import Picture, Prediction
from cnnfix_core.explanations import Classes
from cnnfix_core.utils import percent
from cnnfix_ui.compare.changes import CHANGES, strokes_on
from cnnfix_ui.compare.questions import CompareQuestion
from cnnfix_ui.server import questions, results
from cnnfix_ui.server.results import Network
from cnnfix_ui.widgets import gallery, networks


@dataclass(frozen=True)
class Case:
    """What a row of the grid explains. target: the explained class. rather_than: the class it is contrasted with."""

    question: CompareQuestion
    network: Network
    picture: Picture
    predicted: Classes
    target: Prediction
    rather_than: Prediction | None

    @property
    def asked(self) -> int | tuple[int, int]:
        """The class's number, or both of a contrast."""
        return self.target.index if self.rather_than is None else (self.target.index, self.rather_than.index)

    @property
    def title(self) -> str:
        """The class, or both of a contrast, in words."""
        if self.rather_than is None:
            return self.target.label
        return f"{self.target.label} rather than {self.rather_than.label}"

    @cached_property
    def reasons(self) -> dict[str, str]:
        """Why each method does not fit; "" if it does. Takes seconds the first time for a large network."""
        return self.network.ask(questions.reasons, self.rather_than is not None)

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        """The most probable classes, best first."""
        return self.predicted.top(10)

    def detail(self, base: CompareQuestion) -> str:
        """How the row differs from the page's question, and the probability of its class."""
        parts = []
        if self.question.model != base.model:
            parts.append(networks.title_of(self.question.model))
        if self.question.picture != base.picture:
            parts.append(gallery.title_of(self.question.picture))
        if self.question.change:
            parts.append(CHANGES[self.question.change].row)
        return " · ".join([*parts, percent(self.target.probability), *self._instead()])

    def _instead(self) -> list[str]:
        best = self.predicted.top(1)[0]
        return [] if best.index == self.target.index else [f"predicted: {best.label}"]


def case_of(question: CompareQuestion) -> Case:
    """Load, apply the change and predict. Raises CnnfixError if the network is not available.

    A class that the network does not have, or a contrast of a class with itself, is ignored.
    """
    network, picture = networks.network_of(question.model), gallery.picture_of(question.picture)
    unchanged = results.predicted(network, picture)
    if question.change:
        strokes = strokes_on(question.picture)
        network, picture = CHANGES[question.change].make(network, picture, strokes)
    predicted = results.predicted(network, picture)
    classes = len(network.model.labels)
    # A change does not change the target: it stays the class that was predicted before.
    wanted = question.wanted if question.wanted is not None and question.wanted < classes else unchanged.top(1)[0].index
    than = question.than if question.than is not None and question.than < classes else None
    return Case(
        question,
        network,
        picture,
        predicted,
        predicted.prediction(wanted),
        None if than is None or than == wanted else predicted.prediction(than),
    )
