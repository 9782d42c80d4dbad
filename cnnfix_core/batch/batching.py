"""Explain several pictures at once, with one forward pass."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from PIL import Image
from torch import Tensor

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Preset, Tape, Unit, as_array
from cnnfix_core.errors import CnnfixError, NothingContributesError
from cnnfix_core.explanations import Class, Explanation, PictureAsking, UnitAsking
from cnnfix_core.images import Picture, Source, View, maps_on_picture, open_picture
from cnnfix_core.methods import (
    Map,
    anatomy,
    as_maps,
    grad_cam_of_tape,
    grad_cam_together,
    reason_against,
)
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.utils import one_thread
from cnnfix_core.zoo import Model

# The order of summation, and so the last digits, depends on the batch size and the number of threads. Batches always
# have this size, padded with noise, and run on one thread, so that a result depends on its picture alone.
_INPUTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class BatchResult:
    """The result for one picture.

    Attributes:
        picture: The picture.
        explanation: Without traces.
        map: Where the evidence lies, at most `MAP_SIDE` long, like `rival`.
        rival: Grad-CAM's map; None if Grad-CAM cannot be used with the network.
    """

    picture: Picture
    explanation: Explanation
    map: Floats
    rival: Map | None


def open_or_error(source: Source) -> Picture | CnnfixError:
    """Open the picture, or return the error."""
    try:
        return open_picture(source)
    except CnnfixError as error:
        return error


class BatchExplainer:
    """Explains several pictures at once.

    Args:
        model: A classifier.
        preset: The preset of the walks.
        target: A class for all pictures, or a unit inside the network; None for the predicted class of each.

    Attributes:
        size: How many pictures fit in one batch.

    Raises:
        ModelError: The model is not a classifier.
        TargetError: The class is unknown.
    """

    def __init__(self, model: Model, preset: Preset, target: Class | Unit | None = None) -> None:
        self._model, self._preset = model, preset
        self._views = len(model.views(open_picture(Image.new("RGB", (8, 8))), preset.crops))
        self._unit = target if isinstance(target, Unit) else None
        self._target = None if target is None or isinstance(target, Unit) else model.labels.find(target)
        several = self._views > 1 and not model.together  # whose layers run more than once
        self._with_rival = self._unit is None and not several and not reason_against(model, "gradcam")
        if self._unit is not None:
            self._unit.start(model.record(model.noise(), whole=True))  # fails early if there is no such unit
        self.size = max(1, _INPUTS // self._views) if model.together else 1

    def answers(self, given: Sequence[Picture | CnnfixError]) -> list[BatchResult | CnnfixError]:
        """Explain at most `size` pictures: a result or an error for each. Errors in `given` are passed through."""
        pictures = [one for one in given if isinstance(one, Picture)]
        with one_thread():
            found = iter(self._answered(pictures) if pictures else ())
        return [next(found) if isinstance(one, Picture) else one for one in given]

    def _answered(self, pictures: Sequence[Picture]) -> list[BatchResult | CnnfixError]:
        try:
            return self._answers(pictures)
        except CnnfixError as error:
            # An error with one picture, such as values that are not finite, must not affect the others.
            return [error] if len(pictures) == 1 else [self._answered([picture])[0] for picture in pictures]

    def _answers(self, pictures: Sequence[Picture]) -> list[BatchResult | CnnfixError]:
        started = time.perf_counter()
        model, preset = self._model, self._preset
        seen = [model.views(picture, preset.crops) for picture in pictures]
        batch = torch.cat([model.inputs(picture, one) for picture, one in zip(pictures, seen, strict=True)])
        batch = torch.cat([batch, *[model.noise()] * (self.size * self._views - len(batch))])
        tape = model.record(batch, whole=self._unit is not None)
        firsts = range(0, len(pictures) * self._views, self._views)
        asked = [self._asked(tape, *one) for one in zip(pictures, seen, firsts, strict=True)]
        explained = [_explained(one, tape, preset, first) for one, first in zip(asked, firsts, strict=True)]
        others = self._rivals(tape, batch, pictures, seen, [one.wanted for one in asked])
        each = (time.perf_counter() - started) / len(pictures)
        return [
            found if isinstance(found, CnnfixError) else _result(picture, replace(found, seconds=each), rival)
            for picture, found, rival in zip(pictures, explained, others, strict=True)
        ]

    def _asked(self, tape: Tape, picture: Picture, seen: Sequence[View], first: int) -> PictureAsking:
        """What is asked of a picture, whose first view has this number in the batch."""
        model, preset = self._model, self._preset
        if self._unit is not None:
            return UnitAsking(model, picture, preset, seen, tape, self._unit, first)
        scores = as_array(tape.output_tensor)[first : first + len(seen)]
        return PictureAsking(model, picture, preset, seen, scores, self._target)

    def _rivals(
        self,
        tape: Tape,
        batch: Tensor,
        pictures: Sequence[Picture],
        seen: Sequence[Sequence[View]],
        classes: Sequence[int],
    ) -> Sequence[Map | None]:
        if not self._with_rival:
            return [None] * len(pictures)
        views = self._views
        wanted = [one for one in classes for _ in range(views)]
        wanted += [0] * (len(batch) - len(wanted))
        found = grad_cam_of_tape(tape, anatomy(self._model).last, [(one,) for one in wanted])
        maps = as_maps(grad_cam_together(self._model, batch, wanted) if found is None else found)
        return [
            maps_on_picture(picture, one, maps[n * views : (n + 1) * views], MAP_SIDE)
            for n, (picture, one) in enumerate(zip(pictures, seen, strict=True))
        ]


def _explained(asked: PictureAsking, tape: Tape, preset: Preset, first: int) -> Explanation | CnnfixError:
    try:
        return asked.explanation(asked.walks(tape, preset, first), math.nan)
    except NothingContributesError as error:
        return error


def _result(picture: Picture, explanation: Explanation, rival: Map | None) -> BatchResult:
    return BatchResult(picture, explanation, explanation.map(MAP_SIDE), rival)
