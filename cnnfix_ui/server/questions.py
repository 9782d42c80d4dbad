"""What pages ask of a network.

Each question is a function of a model that returns plain data, so that it can be asked where the network may run, see
`cnnfix_core.zoo.asked`. Nothing here knows pages or visitors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from cnnfix_core import Explanation, Model, Picture, Preset, attribute, perturbations
from cnnfix_core.arrays import Floats
from cnnfix_core.backtrack import Walked, gif, walked
from cnnfix_core.engine import Unit
from cnnfix_core.errors import ModelError
from cnnfix_core.explanations import RecordedPicture, as_csv, as_json, view_scores
from cnnfix_core.images import Crops
from cnnfix_core.methods import METHODS, Attribution, attribution, reason_against, recorded_grad_cam
from cnnfix_core.metrics import Curves, curves, max_sensitivity, road
from cnnfix_core.perturbations import randomised
from cnnfix_core.regions import MAP_SIDE
from cnnfix_core.report import WRITERS, PictureFile, explained_for_files, make_report
from cnnfix_site.hosting import memory
from cnnfix_ui.server.cache import Cache

P = ParamSpec("P")
Result = TypeVar("Result")
Target = int | tuple[int | None, int] | Unit | None
Report = Callable[..., None]
# How numbers are written.
NUMBERS: dict[str, Callable[[Explanation], str]] = {"json": as_json, "csv": as_csv}
_COMPUTING = 0.7  # of the time of a report; the rest is writing
_LARGE_MODEL = 200_000_000  # bytes of weights

# What networks computed for a picture, some 30 MB each for the bundled one: recordings, so that another class costs a
# walk only, and walks that are stepped through. Most people need one of the two at a time.
_computed: Cache[Hashable, Any] = Cache(min(800_000_000, memory() // 5), lambda one: one.nbytes)
# Of a model, with one part of its weights shuffled.
_shuffled: Cache[Hashable, Model] = Cache(0, lambda _: 1)


def takes_long(model: Model) -> bool:
    """Whether an explanation takes seconds, so that quick ones must be able to overtake it."""
    return model.whole or model.nbytes > _LARGE_MODEL


def scores(model: Model, picture: Picture) -> Floats:
    """The scores of the whole picture, (1, classes)."""
    return view_scores(model, picture, "whole").astype(float)


def explained(
    model: Model, picture: Picture, target: Target, preset: Preset
) -> tuple[Explanation, NDArray[np.float32] | None]:
    """The explanation, without its traces; and Grad-CAM's map where the recording gives it in no time."""
    recorded = _recorded(model, picture, preset.crops, isinstance(target, Unit))
    found = recorded.explain(target, preset).without_traces()
    quick = found.unit is None and not takes_long(model)
    return found, recorded_grad_cam(recorded, found.asked, MAP_SIDE) if quick else None


def _recorded(model: Model, picture: Picture, crops: Crops, whole: bool = False) -> RecordedPicture:
    def made() -> RecordedPicture:
        return RecordedPicture(model, picture, crops, whole=whole)

    if takes_long(model) or whole:  # gigabytes
        return made()
    found: RecordedPicture = _computed.get(("recording", model, picture.digest, crops), made)
    return found


def gradcam(model: Model, picture: Picture, target: int | tuple[int, int], crops: Crops) -> NDArray[np.float32] | str:
    """Grad-CAM's map for the same target and crops, at most MAP_SIDE long; or a sentence why there is none."""
    found = None if takes_long(model) else recorded_grad_cam(_recorded(model, picture, crops), target, MAP_SIDE)
    return attributed(model, picture, target, "gradcam", crops) if found is None else found


def attributed(
    model: Model, picture: Picture, target: int | tuple[int, int], method: str, crops: Crops = "whole"
) -> NDArray[np.float32] | str:
    """The map of a quick method, at most MAP_SIDE long; or a sentence why there is none."""
    try:
        return attribute(model, picture, target, method, crops=crops, longest_side=MAP_SIDE)
    except ModelError as error:
        return str(error)


def reasons(model: Model, contrast: bool) -> dict[str, str]:
    """Why each method does not fit; "" if it does. Takes seconds the first time for a large network."""
    return {name: reason_against(model, name, contrast) for name in METHODS}


def drawn(  # what a method takes
    model: Model,
    picture: Picture,
    asked: int | tuple[int, int],
    method: str,
    crops: Crops | None,
    preset: Preset | None,
    report: Report,
) -> Attribution:
    """The map of a method, at most MAP_SIDE long."""
    return attribution(
        model, picture, asked, method, crops=crops, longest_side=MAP_SIDE, preset=preset, progress=report
    )


def measured(
    model: Model, picture: Picture, map_: NDArray[np.floating], asked: int | tuple[int, int], report: Report
) -> Curves:
    """Insertion and deletion for a map."""
    return curves(model, picture, map_, asked, watch=lambda some: report(some.share, some))


def road_of(
    model: Model, picture: Picture, map_: NDArray[np.floating], asked: int | tuple[int, int], report: Report
) -> float:
    """ROAD for a map."""
    return road(model, picture, map_, asked, progress=report)


def sensitivity(
    model: Model,
    picture: Picture,
    asked: int | tuple[int, int],
    method: str,
    crops: Crops | None,
    preset: Preset | None,
    report: Report,
) -> float:
    """How much the map of a method moves under noise."""
    return max_sensitivity(model, picture, asked, method, crops=crops, preset=preset, progress=report)


def disturbed(model: Model, picture: Picture, kind: str, strength: int) -> Picture:
    """The picture with adversarial noise."""
    return perturbations.add_adversarial_noise(model, picture, kind, strength).picture


def numbers(model: Model, picture: Picture, asked: int | tuple[int, int], preset: Preset, form: str) -> str:
    """The numbers of an explanation as in a report of it, to the last digit. form: a name in `NUMBERS`."""
    return NUMBERS[form](explained_for_files(model, picture, asked, preset))


@dataclass(frozen=True)
class ReportFiles:
    """The files of one report by their endings."""

    files: dict[str, bytes]

    @property
    def nbytes(self) -> int:
        """Size of all."""
        return sum(map(len, self.files.values()))


def reported(
    model: Model, picture: Picture, asked: int | tuple[int, int], preset: Preset, file: PictureFile, report: Report
) -> ReportFiles:
    """The report as all its files."""
    made = make_report(model, picture, asked, preset, file=file, progress=lambda share: report(_COMPUTING * share))
    files = {}
    for number, (form, writer) in enumerate(WRITERS.items(), 1):
        files[form] = writer(made)
        report(_COMPUTING + (1 - _COMPUTING) * number / len(WRITERS))
    return ReportFiles(files)


def animated(walk: Walked, picture: Picture) -> bytes:
    """A walk as GIF."""
    return gif(walk, picture)


@dataclass(frozen=True)
class OfShuffled(Generic[P, Result]):
    """The same question about the network with shuffled weights: all of them, or those of the last layer."""

    part: str
    __wrapped__: Callable[Concatenate[Model, P], Result]

    def __call__(self, model: Model, /, *args: P.args, **options: P.kwargs) -> Result:
        """Answer it."""
        shuffled = _shuffled.get((model, self.part), lambda: randomised(model, part=self.part))
        return self.__wrapped__(shuffled, *args, **options)


@dataclass(frozen=True)
class OfWalk(Generic[P, Result]):
    """A question about the walk with everything that was recorded."""

    picture: Picture
    target: Target
    presets: tuple[Preset, ...]
    __wrapped__: Callable[Concatenate[Walked, P], Result]

    def __call__(self, model: Model, /, *args: P.args, **options: P.kwargs) -> Result:
        """Answer it; the walk is kept while there is room."""
        key = _walk_key(model, self.picture, self.target, self.presets)
        walk: Walked = _computed.get(key, lambda: walked(model, self.picture, self.target, self.presets))
        return self.__wrapped__(walk, *args, **options)


def explanation_of(walk: Walked) -> Explanation:
    """The explanation of a walk."""
    return walk.explanation


def has_walk(model: Model, picture: Picture, target: Target, presets: tuple[Preset, ...]) -> bool:
    """Whether the walk is kept."""
    return _walk_key(model, picture, target, presets) in _computed.cached_keys()


def _walk_key(model: Model, picture: Picture, target: Target, presets: tuple[Preset, ...]) -> Hashable:
    return "walk", model, picture.digest, target, presets
