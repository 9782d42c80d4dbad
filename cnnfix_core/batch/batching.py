"""Several pictures through a network, and back, in one go."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Reached, as_array, record, unravel_together
from cnnfix_core.errors import CnnfixError, RecordError
from cnnfix_core.explanations import Class, Explanation, PictureAsking
from cnnfix_core.images import Picture, Source, View, open_picture
from cnnfix_core.methods import Map, grad_cam_together, grey, on_picture, once_a_network, reason_against
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.utils import one_thread
from cnnfix_core.zoo import Model

# Networks add up in another order where a batch is larger, and their last digits differ. So as many go through at once
# always, filled up with grey, on one thread, and what is said of a picture depends on nothing else.
_INPUTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The explanation, without traces, its density, and Grad-CAM's map where it fits the network.

    Both maps are `MAP_SIDE` long at most.
    """

    picture: Picture
    explanation: Explanation
    density: Floats
    rival: Map | None


def read(source: Source) -> Picture | CnnfixError:
    """The picture, or why it cannot be used."""
    try:
        return open_picture(source)
    except CnnfixError as error:
        return error


class Slices:
    """Asks a network about several pictures at once.

    target: a class for all of them; None for what the network says of each. size: how many go through at once.
    Raises ModelError where the network does not name whole pictures, and TargetError.
    """

    def __init__(self, model: Model, preset: Preset, target: Class | None = None) -> None:
        self._model, self._preset = model, preset
        self._views = len(model.views(open_picture(Image.new("RGB", (8, 8))), preset.crops))
        self._target = None if target is None else model.labels.find(target)
        self._with_rival = not reason_against(model, "gradcam")
        self.size = max(1, _INPUTS // self._views) if _takes_batches(model) else 1

    def answers(self, given: Sequence[Picture | CnnfixError]) -> list[Answer | CnnfixError]:
        """The answer to each of at most `size` pictures, or why there is none; errors that are given stay."""
        pictures = [one for one in given if isinstance(one, Picture)]
        with one_thread():
            found = iter(self._answered(pictures) if pictures else ())
        return [next(found) if isinstance(one, Picture) else one for one in given]

    def _answered(self, pictures: Sequence[Picture]) -> list[Answer | CnnfixError]:
        try:
            return self._answers(pictures)
        except CnnfixError as error:
            # Something about one of them, such as values that are not finite, must not cost the others.
            return [error] if len(pictures) == 1 else [self._answered([picture])[0] for picture in pictures]

    def _answers(self, pictures: Sequence[Picture]) -> list[Answer | CnnfixError]:
        started = time.perf_counter()
        model, preset = self._model, self._preset
        seen = [model.views(picture, preset.crops) for picture in pictures]
        views = self._views
        batch = torch.cat([model.inputs(picture, one) for picture, one in zip(pictures, seen, strict=True)])
        batch = torch.cat([batch, *[grey(model)] * (self.size * views - len(batch))])
        tape = record(model.module, batch)
        scores = as_array(tape.output_tensor)
        asked = [
            PictureAsking(model, picture, preset, one, scores[n * views : (n + 1) * views], self._target)
            for n, (picture, one) in enumerate(zip(pictures, seen, strict=True))
        ]
        targets = [(n * views + view, one.wanted) for n, one in enumerate(asked) for view in one.walked]
        walks = iter(unravel_together(tape, targets, preset))
        del tape
        reached = [[next(walks) for _ in one.walked] for one in asked]
        rivals = self._rivals(batch, pictures, seen, [one.wanted for one in asked])
        each = (time.perf_counter() - started) / len(pictures)
        return [
            _answer(picture, one, mine, rival, each)
            for picture, one, mine, rival in zip(pictures, asked, reached, rivals, strict=True)
        ]

    def _rivals(
        self, batch: Tensor, pictures: Sequence[Picture], seen: Sequence[Sequence[View]], classes: Sequence[int]
    ) -> Sequence[Map | None]:
        if not self._with_rival:
            return [None] * len(pictures)
        views = self._views
        wanted = [one for one in classes for _ in range(views)]
        maps = grad_cam_together(self._model, batch, wanted + [0] * (len(batch) - len(wanted)))
        return [
            on_picture(picture, one, maps[n * views : (n + 1) * views], MAP_SIDE)
            for n, (picture, one) in enumerate(zip(pictures, seen, strict=True))
        ]


def _answer(
    picture: Picture, asked: PictureAsking, walks: Sequence[Reached], rival: Map | None, seconds: float
) -> Answer | CnnfixError:
    reached = []
    for walk in walks:
        if isinstance(walk, CnnfixError):
            return walk
        reached.append(walk)
    explanation = asked.explanation(reached, seconds)
    return Answer(picture, explanation, explanation.density(longest_side=MAP_SIDE), rival)


@once_a_network
def _takes_batches(model: Model) -> bool:
    """Whether several pictures can go through at once: programs are often exported for one."""
    try:
        scores = record(model.module, torch.cat([grey(model)] * _INPUTS)).output_tensor
    except RecordError:
        return False
    return scores.shape == (_INPUTS, len(model.labels))
