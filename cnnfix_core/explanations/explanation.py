"""From a model and a picture to an explanation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from cnnfix_core.arrays import Floats
from cnnfix_core.engine import Fixated, Preset, Trace, as_array, get_preset, record, record_whole
from cnnfix_core.explanations.asking import Asking, Classes, ClassExplanation, TargetSpec
from cnnfix_core.explanations.fixations import GRID, Fixations, on_picture
from cnnfix_core.images import Crops, Picture, Source, View, open_picture
from cnnfix_core.regions import BoxRule, box_of
from cnnfix_core.zoo import Model


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explanation(ClassExplanation):
    """Which pixels made the model say it.

    Attributes:
        preset: of the walks.
        digest: SHA-256 of the picture.
        predictions: the top classes.
        target: what was explained.
        rather_than: the second class of a contrast.
        fixations: in original pixels.
        views: what the network saw.
        explained: those among them that were walked.
        traces: one walk a view that was explained.
        seconds: for the forward pass and all walks; NaN: not told.
    """

    model: str
    digest: str
    fixations: Fixations
    views: tuple[View, ...]
    explained: tuple[View, ...]
    traces: tuple[Trace, ...]

    @property
    def trace(self) -> Trace:
        """The walk, for stepping; with several views that of the first that was explained."""
        return self.traces[0]

    def without_traces(self) -> Explanation:
        """The same without the walks and their tapes, which hold the network's activations."""
        return replace(self, traces=())

    @property
    def kept_fixations(self) -> Fixations:
        """The fixations without outliers, where the preset drops them."""
        if self.preset.outliers is None:
            return self.fixations
        kept = self.fixations.without_outliers(*self.preset.outliers)
        # When everything is scattered the rule would drop all: then nothing stands out, and all stay.
        return kept if len(kept) else self.fixations

    def density(self, sigma: float | None = None, longest_side: int | None = None) -> Floats:
        """H x W map of the original picture, sums to 1; sigma in original pixels, longest_side for a smaller map."""
        return self.kept_fixations.density(sigma, longest_side)

    def box(self, share: float | None = None) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1, inclusive pixels: around the largest part of the smallest region with `share` of the density.

        None takes the preset's share, or, where it has none, the extent of the fixations without outliers.
        """
        share = self.preset.box_share if share is None else share
        kept = self.kept_fixations
        if share is None:
            return kept.extent()
        density = kept.density(longest_side=GRID)
        # The rest of the region are other things that speak for the class, not a larger object.
        return box_of(density, BoxRule("share", share, largest=True), kept.width, kept.height) or kept.extent()


def explain(
    model: Model,
    image: Source | Picture,
    target: TargetSpec = None,
    preset: str | Preset = "evidence",
    focus: str | None = None,
    *,
    whole: bool = False,
) -> Explanation:
    """Explain one class of a model on a picture.

    Args:
        model: what `load_model`, `open_own` or `Model.of` gave.
        image: a path, a file's bytes, a PIL image, an H x W x 3 uint8 array, or what `open_picture` gave.
        target: None for the predicted class, a class index, a label, or two of them, (a, b), for "a rather than b";
            (None, b) sets the predicted class against b.
        preset: "evidence", "published", or a preset of your own.
        focus: "wide", "balanced", "sharp" or "sharpest", for the evidence preset.
        whole: keep every value of the tape, for looking at: about three times the memory.

    Returns:
        The fixations, in pixels of the original picture, with the predictions and the walks.

    Raises:
        PictureError: the picture cannot be used.
        TargetError: the target is no class of the model.
        CnnfixError: what `record` and `unravel` raise.
    """
    preset = get_preset(preset, focus)
    picture = image if isinstance(image, Picture) else open_picture(image)
    started = time.perf_counter()
    seen = model.views(picture, preset.crops)
    tape = (record_whole if whole else record)(model.module, model.inputs(picture, seen))
    asking = PictureAsking(model, picture, preset, seen, as_array(tape.output_tensor), target)
    traces = asking.walks(tape, preset)
    seconds = time.perf_counter() - started
    return replace(asking.explanation([trace.fixations for trace in traces], seconds), traces=tuple(traces))


class PictureAsking(Asking):
    """A picture that went through the network, and what is asked of it; seen: its views."""

    def __init__(  # all that an explanation says
        self,
        model: Model,
        picture: Picture,
        preset: Preset,
        seen: Sequence[View],
        scores: NDArray[np.floating],
        target: TargetSpec,
    ) -> None:
        super().__init__(model, scores, target)
        self._model, self._picture, self._preset, self._seen = model, picture, preset, tuple(seen)

    def explanation(self, reached: Sequence[Fixated], seconds: float) -> Explanation:
        """The answer, without traces. reached: by the walk on each view of `walked`."""
        explained = tuple(self._seen[n] for n in self.walked)
        return Explanation(
            preset=self._preset,
            predictions=self.classes.top(10),
            target=self.target,
            rather_than=self.rather_than,
            seconds=seconds,
            model=self._model.name,
            digest=self._picture.digest,
            fixations=on_picture(self._picture, self._preset, list(zip(explained, reached, strict=True))),
            views=self._seen,
            explained=explained,
            traces=(),
        )


def classes(model: Model, image: Source | Picture, crops: Crops = "whole") -> Classes:
    """What the model says of a picture, without explaining it. Raises PictureError."""
    picture = image if isinstance(image, Picture) else open_picture(image)
    seen = model.views(picture, crops)
    with torch.no_grad():
        scores = model.module(model.inputs(picture, seen))
    return Classes(model.labels, as_array(scores), model.probabilities)
