"""What a report says: the answer, the walk in a few steps, other methods, and how to make it again."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from PIL import Image

from cnnfix_core.backtrack import Walked, kind, step_photo, step_words, walked
from cnnfix_core.engine import FOCUS, Preset
from cnnfix_core.explanations import Explanation, TargetSpec, explain
from cnnfix_core.images import Picture
from cnnfix_core.metrics import Failed, Measured, compare
from cnnfix_core.regions import GroundTruth
from cnnfix_core.utils import one_thread
from cnnfix_core.zoo import Model, digest_of, versions

REPORT_METHODS = ("fixations", "gradcam", "layercam", "integrated_gradients")
_STEPS = 6
_SIDE = 480  # pixels of a step's longest side


@dataclass(frozen=True, slots=True, eq=False)
class Stop:
    """One of the steps that are shown: the picture with what the walk has there, its title, and in words."""

    image: Image.Image
    title: str
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """Everything that the page, the PDF and the archive say. Nothing in it but `made` changes from run to run.

    explanation: without traces; its seconds, and those of `compared`, are NaN. name: of the picture's file.
    content: that file, where it is at hand. facts: provenance, in order. command: makes it again. made: UTC, ISO 8601.
    """

    model: Model
    picture: Picture
    name: str
    content: bytes | None
    explanation: Explanation
    walk: tuple[Stop, ...]
    compared: tuple[Measured, ...]
    failed: tuple[Failed, ...]
    facts: Mapping[str, str]
    command: str
    made: str


def make(
    model: Model,
    picture: Picture,
    asked: TargetSpec,
    preset: Preset,
    *,
    name: str = "picture",
    content: bytes | None = None,
    model_words: Sequence[str] | None = None,
) -> Report:
    """Explain and compare. asked: as `explain` takes it. name: of the picture's file, which the command names.

    model_words: what the command says of the model; None for its name. The time is that of SOURCE_DATE_EPOCH where it
    is set. Raises what `explain` raises.
    """
    with one_thread():
        explanation = replace(explain(model, picture, asked, preset).without_traces(), seconds=math.nan)
        found = list(
            compare(model, picture, GroundTruth(picture.width, picture.height), explanation.asked, REPORT_METHODS)
        )
        walk = tuple(_stops(walked(model, picture, explanation.asked, [preset]), picture))
    return Report(
        model,
        picture,
        name,
        content,
        explanation,
        walk,
        tuple(_timeless(one) for one in found if isinstance(one, Measured)),
        tuple(one for one in found if isinstance(one, Failed)),
        _facts(model, picture, name, explanation),
        _command(name, explanation, model_words or ["--model", model.name]),
        _now(),
    )


def _now() -> str:
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(given) if given.isdecimal() and len(given) < 12 else time.time()
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _timeless(one: Measured) -> Measured:
    return replace(one, found=replace(one.found, seconds=math.nan))


def _stops(walk: Walked, picture: Picture) -> list[Stop]:
    """A few steps evenly from the first that has a place to the picture."""
    playback, steps = walk.playbacks[0], [walk.path.steps[block.first] for block in walk.path.blocks]
    shown = [step for step in steps if playback.cloud_at(step.number)]
    count = min(_STEPS, len(shown))
    chosen = [shown[round(n * (len(shown) - 1) / max(count - 1, 1))] for n in range(count)]
    return [
        Stop(
            step_photo(walk, picture, step.number, longest_side=_SIDE),
            step.module or kind(step.operation),
            step_words(step, walk.trace, playback),
        )
        for step in chosen
    ]


def _facts(model: Model, picture: Picture, name: str, explanation: Explanation) -> dict[str, str]:
    preset = {key: value for key, value in asdict(explanation.preset).items() if value is not None}
    return {
        "Picture": f"{name}, {picture.width} × {picture.height} pixels",
        "SHA-256 of the picture": picture.digest,
        "Network": model.title,
        "Weights": f"{model.source}; {model.licence}",
        "SHA-256 of the weights": digest_of(model),
        "Network's input": f"{model.input_size[1]} × {model.input_size[0]} pixels, {model.interpolation}, "
        f"mean {_three(model.preprocess.mean)}, std {_three(model.preprocess.std)}",
        "Settings": ", ".join(f"{key} {value}" for key, value in preset.items()),
        "Versions": ", ".join(f"{package} {version}" for package, version in versions().items()),
    }


def _three(values: Sequence[float]) -> str:
    return "/".join(f"{value:g}" for value in values)


def _command(name: str, explanation: Explanation, model_words: Sequence[str]) -> str:
    preset, other = explanation.preset, explanation.rather_than
    words = ["cnnfix", "report", name, *model_words, "--target", str(explanation.target.index)]
    words += [] if other is None else ["--rather-than", str(other.index)]
    words += ["--preset", preset.name]
    focus = next((name for name, knob in FOCUS.items() if knob == (preset.fan_out, preset.beam)), None)
    words += ["--focus", focus] if focus and preset.name == "evidence" else []
    words += ["--crops", preset.crops]
    return shlex.join([*words, "--out", "report.zip"])
