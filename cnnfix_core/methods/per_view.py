"""Methods that ask the network about one view of the picture at a time, and the way back to the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from cnnfix_core.errors import CnnfixError, ModelError
from cnnfix_core.images import Picture, View, scaled_size
from cnnfix_core.methods.feature_maps import anatomy
from cnnfix_core.methods.method import Classes, Drawing, Map, MapRequest, Progress
from cnnfix_core.methods.module_copy import with_own_hooks
from cnnfix_core.zoo import Model

_NUMBERS_AT_ONCE = 64_000_000  # that a batch makes: a quarter of a gigabyte, where all are kept
_MOST_AT_ONCE = 16


class Watch:
    """Reports how far a method is: each picture that goes through the network is a step of what was expected."""

    def __init__(self, progress: Progress, start: float = 0.0, end: float = 1.0) -> None:
        self._progress, self._start, self._end = progress, start, end
        self._done, self._expected = 0, 1

    def expect(self, pictures: int) -> None:
        """Say how many pictures will go through the network from now on."""
        self._done, self._expected = 0, pictures

    def __call__(self, _module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Before each run of the network."""
        share = min(self._done / self._expected, 1.0)
        self._progress(self._start + (self._end - self._start) * share)
        self._done += len(inputs[0])


@dataclass(frozen=True, slots=True, eq=False)
class ViewRequest:
    """One view of the picture, and a network that may be asked about it.

    module: a copy of the network with hooks of its own, which reports progress. inputs: (1, 3, H, W).
    layer: where to draw; None for the method's own. at_once: how many pictures to ask about at a time.
    """

    model: Model
    module: nn.Module
    inputs: Tensor
    classes: Classes
    layer: str | None
    watch: Watch
    at_once: int

    def score(self, batch: Tensor) -> Tensor:
        """The class's score of each picture, (N,), or by how much it is above that of the other class."""
        return self.among(self.module(batch))

    def among(self, scores: Tensor) -> Tensor:
        """Of the scores of all classes, (..., classes), that of the class, or the difference of two."""
        first, *other = self.classes
        return scores[..., first] - scores[..., other].sum(dim=-1)


# From a view to a map (h, w) on it, and the layer that it was drawn on, if it was. What is below 0 is cut off.
Draw = Callable[[ViewRequest], tuple[Tensor, str | None]]


def by_view(draw: Draw) -> Callable[[MapRequest], Drawing]:
    """Ask about each view by itself, and put the maps together on the picture: their mean where they overlap."""

    def drawn(question: MapRequest) -> Drawing:
        model, picture = question.model, question.picture
        seen = model.views(picture, question.crops)
        maps = []
        layer = None
        for number, view in enumerate(seen):
            watch = Watch(question.progress, number / len(seen), (number + 1) / len(seen))
            found, layer = _ask(draw, question, view, watch)
            maps.append(found.detach().clamp_min(0).float().numpy())
        return Drawing(on_picture(picture, seen, maps, question.longest_side), layer)

    return drawn


def _ask(draw: Draw, question: MapRequest, view: View, watch: Watch) -> tuple[Tensor, str | None]:
    model = question.model
    module = with_own_hooks(model.module)
    module.register_forward_pre_hook(watch)
    at_once = max(1, min(_NUMBERS_AT_ONCE // max(anatomy(model).numbers, 1), _MOST_AT_ONCE))
    inputs = model.preprocess(view.render(question.picture))[None]
    asked = ViewRequest(model, module, inputs, question.classes, question.layer, watch, at_once)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            return draw(asked)
    except CnnfixError:
        raise
    except RuntimeError as error:  # of PyTorch: a step that has no gradient, or too little memory
        raise ModelError(f"The method does not fit the network: {str(error).splitlines()[0]}") from error


def on_picture(picture: Picture, seen: Sequence[View], maps: Sequence[Map], longest_side: int | None) -> Map:
    """Each view's map, enlarged to its place in the picture: (height, width), or smaller in its proportions."""
    width, height = scaled_size((picture.width, picture.height), longest_side)
    total = np.zeros((height, width), np.float32)
    times = np.zeros_like(total)
    for view, small in zip(seen, maps, strict=True):
        x0, x1 = (round(side * width / picture.width) for side in view.box[::2])
        y0, y1 = (round(side * height / picture.height) for side in view.box[1::2])
        size = max(x1 - x0, 1), max(y1 - y0, 1)
        large = np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR))
        inside = total[y0 : y0 + size[1], x0 : x0 + size[0]]
        inside += large[: inside.shape[0], : inside.shape[1]]
        times[y0 : y0 + size[1], x0 : x0 + size[0]] += 1
    total /= np.maximum(times, 1)
    return total
