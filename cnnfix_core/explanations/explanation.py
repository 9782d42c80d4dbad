"""Explain the prediction of a model for a picture."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

import numpy as np
import torch
from numpy.typing import NDArray

from cnnfix_core.engine import EVIDENCE, Depth, Preset, Stop, Tape, Trace, Unit, as_array, get_preset, unravel
from cnnfix_core.explanations.asking import Asking, Classes, ClassExplanation, Prediction, TargetSpec
from cnnfix_core.explanations.depths import EvidenceMap, feature_maps
from cnnfix_core.explanations.fixations import Fixations
from cnnfix_core.explanations.on_picture import OnPicture, PictureEvidence
from cnnfix_core.images import Crops, Picture, Source, View, open_picture
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.utils import significant
from cnnfix_core.utils.notebook import html_image, marked
from cnnfix_core.zoo import Model, check_model


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Explanation(ClassExplanation, OnPicture):
    """Which pixels of a picture led to the score of a class.

    Attributes:
        preset: The settings of the walks.
        unit: The element inside the network that was explained; None for a class.
        model: The name of the model.
        digest: The SHA-256 digest of the picture.
        predictions: The most probable classes, best first.
        target: The class that was explained.
        rather_than: The second class of a contrast.
        fixations: In pixels of the original picture.
        views: The parts of the picture that the network saw.
        explained: The views on which a walk was made.
        maps: The evidence at each depth of the network, the coarsest map first, for each explained view.
        traces: One walk per explained view.
        cuts: Where the walks lost evidence because they do not follow complex numbers, whole numbers, or numbers that
            left PyTorch; see `Trace.cuts`.
        seconds: The duration of the forward pass and all walks; NaN if unknown.
    """

    model: str
    digest: str
    fixations: Fixations
    views: tuple[View, ...]
    explained: tuple[View, ...]
    maps: tuple[tuple[EvidenceMap, ...], ...]
    traces: tuple[Trace, ...]
    cuts: tuple[Stop, ...] = ()
    unit: Unit | None = None

    @property
    def trace(self) -> Trace:
        """The walk, to go through it step by step; of several explained views, that of the first."""
        return self.traces[0]

    def _repr_html_(self) -> str:
        """What a notebook shows: the map, on what the network saw if the walks are there, and a sentence."""
        kept, target = self.kept_fixations, escape(self.target.label)
        other = "" if self.rather_than is None else f" rather than “{escape(self.rather_than.label)}”"
        shown = self.trace._repr_png_() if len(self.traces) == 1 else None
        image = html_image(shown or marked(self.map(MAP_SIDE)))
        return f"<p>{len(kept):,} fixations for “{target}”{other}, score {significant(self.target.score)}.</p>{image}"

    def without_traces(self) -> Explanation:
        """A copy without the walks and their tapes, which hold the network's activations."""
        return replace(self, traces=())

    def at(self, depth: Depth) -> Explanation:
        """The same explanation at another depth, without another walk: its map and its box show this one."""
        return replace(self, preset=get_preset(self.preset, depth=depth))


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
        model: A model from `load_model`, `open_own` or `Model.of`.
        image: A path, the bytes of a file, a PIL image, an H x W x 3 uint8 array, or a picture from `open_picture`.
        target: None for the predicted class, a class index, a label, or a pair (a, b) of these for "a rather than b";
            (None, b) contrasts the predicted class with b. A `Unit` asks about an element or a channel inside the
            network; of several views, the walk is made on the one where it is strongest.
        preset: "evidence", "published", or a preset of your own.
        focus: "wide", "balanced", "sharp" or "sharpest", for the evidence preset.
        whole: Keep every value of the tape for inspection; this takes about three times the memory.

    Returns:
        The fixations in pixels of the original picture, with the predictions and the walks.

    Raises:
        PictureError: The picture cannot be used.
        TargetError: The target is not a class of the model.
        CnnfixError: Whatever `record` and `unravel` raise.
    """
    preset = get_preset(preset, focus)
    whole = whole or isinstance(target, Unit)
    return RecordedPicture(model, image, preset.crops, whole=whole).explain(target, preset)


class RecordedPicture:
    """What a network computed for a picture: any of its classes can be explained without running it again.

    Args:
        model: A model from `load_model`, `open_own` or `Model.of`.
        image: As for `explain`.
        crops: The views of the picture that the network sees.
        whole: Keep every value of the tape for inspection; this takes about three times the memory.

    Attributes:
        model: The model.
        picture: The picture.
        views: What the network saw.
        tape: The recording, of all views.

    Raises:
        PictureError: The picture cannot be used.
        CnnfixError: Whatever `record` raises.
    """

    def __init__(self, model: Model, image: Source | Picture, crops: Crops = "whole", *, whole: bool = False) -> None:
        check_model(model)
        self.model, self._crops = model, crops
        self.picture = image if isinstance(image, Picture) else open_picture(image)
        started = time.perf_counter()
        self.views = model.views(self.picture, crops)
        self.tape = model.record(model.inputs(self.picture, self.views), whole)
        self._seconds = time.perf_counter() - started

    @property
    def nbytes(self) -> int:
        """Approximate memory of what was kept."""
        return self.tape.nbytes + self.picture.nbytes

    def explain(self, target: TargetSpec | Unit = None, preset: Preset = EVIDENCE) -> Explanation:
        """Explain one class.

        Args:
            target: As for `explain`; a unit needs a whole recording.
            preset: The settings of the walk; its crops must be those that were recorded.

        Raises:
            ValueError: The preset has other crops.
            TargetError: The target is not a class of the model.
            CnnfixError: Whatever `unravel` raises.
        """
        if preset.crops != self._crops:
            raise ValueError(f"The crops {self._crops!r} were recorded, not {preset.crops!r}")
        started = time.perf_counter()
        asking: PictureAsking
        if isinstance(target, Unit):
            asking = UnitAsking(self.model, self.picture, preset, self.views, self.tape, target)
        else:
            scores = as_array(self.tape.output_tensor)
            asking = PictureAsking(self.model, self.picture, preset, self.views, scores, target)
        traces = asking.walks(self.tape, preset)
        seconds = self._seconds + time.perf_counter() - started
        return replace(asking.explanation(traces, seconds), traces=tuple(traces))


class PictureAsking(Asking):
    """The predictions for a picture, and the class to explain; `seen` are its views."""

    def __init__(  # everything that an explanation holds
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

    def explanation(self, walks: Sequence[Trace], seconds: float) -> Explanation:
        """The explanation, without traces, from the walk on each view in `walked`."""
        explained = [self._seen[n] for n in self.walked]
        seen = zip(explained, walks, strict=True)
        found = PictureEvidence.of(self._picture, self._preset, list(seen), feature_maps(walks[0].tape))
        return Explanation(
            preset=self._preset,
            predictions=self.classes.top(10),
            target=self.target,
            rather_than=self.rather_than,
            seconds=seconds,
            model=self._model.name,
            digest=self._picture.digest,
            fixations=replace(found.fixations, channels=self._model.preprocess.channels),
            views=self._seen,
            explained=found.explained,
            maps=found.maps,
            traces=(),
            cuts=tuple(cut for walk in walks for cut in walk.cuts),
        )


class UnitAsking(PictureAsking):
    """The predictions for a picture, and the unit to explain, on the view where it is strongest.

    Args:
        model: The model, as for `PictureAsking`.
        picture: The picture.
        preset: The settings of the walks.
        seen: The views of the picture.
        tape: Of a batch that the views are part of; it must keep all values.
        unit: A unit of the network.
        first: The number of the first view in the batch.

    Attributes:
        tape: Up to what the unit's module computed.
        place: The unit's position there.
    """

    def __init__(  # as above
        self,
        model: Model,
        picture: Picture,
        preset: Preset,
        seen: Sequence[View],
        tape: Tape,
        unit: Unit,
        first: int = 0,
    ) -> None:
        scores = as_array(tape.output_tensor)[first : first + len(seen)]
        super().__init__(model, picture, preset, seen, scores, None)
        starts = [unit.start(tape, first + n) for n in range(len(seen))]
        activations = [float(reduced.output_tensor[place]) for reduced, place in starts]
        strongest = int(np.argmax(activations))
        self.walked = [strongest]
        self.tape, self.place = starts[strongest]
        self._unit, self._activation = Unit(unit.module, self.place[1:]), activations[strongest]

    @property
    def target(self) -> Prediction:
        """The unit, as if it were a class."""
        return Prediction(-1, str(self._unit), self._activation, math.nan)

    def walks(self, tape: Tape, preset: Preset, first: int = 0) -> list[Trace]:
        """The walk from the unit. Raises what `unravel` raises."""
        return [unravel(self.tape, self.place, preset)]

    def explanation(self, walks: Sequence[Trace], seconds: float) -> Explanation:
        """The explanation of the unit, without traces."""
        return replace(super().explanation(walks, seconds), unit=self._unit)


def classes(model: Model, image: Source | Picture, crops: Crops = "whole") -> Classes:
    """Predict the classes of a picture without an explanation. Raises PictureError."""
    check_model(model)
    picture = image if isinstance(image, Picture) else open_picture(image)
    return Classes(model.labels, view_scores(model, picture, crops), model.meaning)


def view_scores(model: Model, picture: Picture, crops: Crops) -> NDArray[np.floating]:
    """The scores of a picture's views, (views, classes)."""
    with torch.no_grad():
        return as_array(model.scores(model.inputs(picture, model.views(picture, crops))))
