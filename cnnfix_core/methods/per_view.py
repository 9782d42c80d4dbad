"""Run a method on one view of the picture at a time, and combine the maps on the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from cnnfix_core.engine import as_array
from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.images import View, maps_on_picture
from cnnfix_core.methods.feature_maps import FAILURES, anatomy, first_line
from cnnfix_core.methods.method import Classes, Drawing, MapRequest, Progress
from cnnfix_core.zoo import Model, with_own_hooks

_NUMBERS_AT_ONCE = 64_000_000  # computed by one batch: a quarter of a gigabyte if all are kept
_MOST_AT_ONCE = 16


class ProgressReporter:
    """Reports a method's progress by counting the pictures that go through the network."""

    def __init__(self, progress: Progress, start: float = 0.0, end: float = 1.0) -> None:
        self._progress, self._start, self._end = progress, start, end
        self._done, self._expected = 0, 1

    def expect(self, pictures: int) -> None:
        """Set how many pictures will go through the network from now on."""
        self._done, self._expected = 0, pictures

    def __call__(self, pictures: int) -> None:
        """Call before each forward pass, with the number of its pictures."""
        share = min(self._done / self._expected, 1.0)
        self._progress(self._start + (self._end - self._start) * share)
        self._done += pictures


@dataclass(frozen=True, slots=True, eq=False)
class ViewRequest:
    """The input of a method for one view of the picture.

    Attributes:
        model: The network.
        module: A copy of the network's module, for hooks.
        inputs: (1, channels, H, W).
        classes: (a,), or (a, b) for "a rather than b".
        layer: The layer to use; None for the method's default.
        watch: Reports the progress.
        at_once: Batch size for methods that run the network on many pictures.
    """

    model: Model
    module: nn.Module
    inputs: Tensor
    classes: Classes
    layer: str | None
    watch: ProgressReporter
    at_once: int

    def scores(self, batch: Tensor) -> Tensor:
        """The scores of all classes for each picture, (N, classes)."""
        self.watch(len(batch))
        return self.model.scores(batch, self.module)

    def score(self, batch: Tensor) -> Tensor:
        """The class's score for each picture, (N,), or its difference to the other class's score."""
        return self.among(self.scores(batch))

    def logit(self, batch: Tensor) -> Tensor:
        """The same, without bounds: the log odds, if the scores are probabilities."""
        return self.among(self.model.logits(self.scores(batch)))

    def probability(self, batch: Tensor) -> Tensor:
        """The class's probability for each picture, (N,), or its difference to the other class's."""
        return self.among(self.model.probabilities(self.scores(batch)))

    def among(self, scores: Tensor) -> Tensor:
        """The class's score, or the difference of the two, from the scores of all classes, (..., classes)."""
        first, *other = self.classes
        return scores[..., first] - scores[..., other[0]] if other else scores[..., first]


# Returns a map (h, w) of the view, whose negative values are set to 0 later, and the layer that it used, if any.
Draw = Callable[[ViewRequest], tuple[Tensor, str | None]]


def by_view(draw: Draw) -> Callable[[MapRequest], Drawing]:
    """Run a method on each view separately, and average the maps on the picture where views overlap."""

    def drawn(request: MapRequest) -> Drawing:
        model, picture = request.model, request.picture
        seen = model.views(picture, request.crops)
        maps = []
        layer = None
        for number, view in enumerate(seen):
            watch = ProgressReporter(request.progress, number / len(seen), (number + 1) / len(seen))
            found, layer = _ask(draw, request, view, watch)
            maps.append(as_array(found.clamp_min(0)).astype(np.float32))
        return Drawing(maps_on_picture(picture, seen, maps, request.longest_side), layer)

    return drawn


def _ask(draw: Draw, request: MapRequest, view: View, watch: ProgressReporter) -> tuple[Tensor, str | None]:
    model = request.model
    module = with_own_hooks(model.module)
    at_once = max(1, min(_NUMBERS_AT_ONCE // max(anatomy(model).numbers, 1), _MOST_AT_ONCE)) if model.together else 1
    inputs = model.inputs(request.picture, [view])
    view_request = ViewRequest(model, module, inputs, request.classes, request.layer, watch, at_once)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            return draw(view_request)
    except CnnfixError:
        raise
    except FAILURES as error:  # such as an operation without a gradient, or too little memory
        raise ModelError(f"The method fails on this network: {first_line(error)}") from error
