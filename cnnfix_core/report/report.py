"""The data of a report: the explanation, some steps of the walk, other methods, and the command that makes it again."""

from __future__ import annotations

import math
import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from PIL import Image

from cnnfix_core.backtrack import Walked, place_in_walk, step_photo, step_words, walked
from cnnfix_core.engine import FOCUS, PRESETS, Preset
from cnnfix_core.explanations import Explanation, TargetSpec, explain
from cnnfix_core.images import Picture, credit_of
from cnnfix_core.metrics import Failed, Measured, compare
from cnnfix_core.regions import GroundTruth
from cnnfix_core.utils import one_thread
from cnnfix_core.zoo import Model, digest_of, listed_channels, meaning_in_words, versions

REPORT_METHODS = ("fixations", "gradcam", "layercam", "guided_gradcam")
_STEPS = 6
_SIDE = 480  # pixels of a step's longest side


@dataclass(frozen=True, slots=True, eq=False)
class ReportStep:
    """One of the steps shown: its number, the picture with the walk's elements there, a title and a description."""

    number: int
    image: Image.Image
    title: str
    words: str


@dataclass(frozen=True, slots=True)
class PictureFile:
    """Where a picture comes from.

    Attributes:
        name: The file's name, or the name of a sample; stands in the command.
        content: The file's bytes; None if not available.
    """

    name: str = "picture"
    content: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Report:
    """Everything in the HTML page, the PDF and the archive. Only `made` changes from run to run.

    Attributes:
        model: The network.
        picture: The picture.
        file: The picture's file.
        explanation: Without traces; its seconds, like those of `compared`, are NaN.
        walk: Some steps of the walk.
        compared: Other methods' maps and their measurements.
        failed: Methods that produced no map.
        facts: How the report was made.
        command: The shell command that makes the same report.
        made: UTC, ISO 8601.
    """

    model: Model
    picture: Picture
    file: PictureFile
    explanation: Explanation
    walk: tuple[ReportStep, ...]
    compared: tuple[Measured, ...]
    failed: tuple[Failed, ...]
    facts: Mapping[str, str]
    command: str
    made: str


def make_report(
    model: Model,
    picture: Picture,
    asked: TargetSpec,
    preset: Preset,
    *,
    file: PictureFile = PictureFile(),
    model_words: Sequence[str] | None = None,
    progress: Callable[[float], object] = lambda share: None,
) -> Report:
    """Explain the picture, compare methods, and collect the results.

    The time is that of SOURCE_DATE_EPOCH if it is set.

    Args:
        model: The network.
        picture: The picture.
        asked: The target, as for `explain`.
        preset: The preset of the walk.
        file: The picture's file, whose folder is left out of the command.
        model_words: The command's arguments for the model; None for its name.
        progress: Called with the share that is done, 0 to 1.

    Raises:
        CnnfixError: As for `explain`.
    """
    file = replace(file, name=Path(file.name).name)
    with one_thread():
        explanation = explained_for_files(model, picture, asked, preset)
        truth = GroundTruth(picture.width, picture.height)
        found = []
        for one in compare(model, picture, truth, explanation.asked, REPORT_METHODS, preset=preset):
            found.append(one)
            progress(len(found) / (len(REPORT_METHODS) + 1))
        walk = tuple(_report_steps(walked(model, picture, explanation.asked, [preset]), picture))
    return Report(
        model,
        picture,
        file,
        explanation,
        walk,
        tuple(_without_seconds(one) for one in found if isinstance(one, Measured)),
        tuple(one for one in found if isinstance(one, Failed)),
        _facts(model, picture, file, explanation),
        _command(file.name, explanation, model_words or ["--model", model.name]),
        _now(),
    )


def explained_for_files(model: Model, picture: Picture, asked: TargetSpec, preset: Preset) -> Explanation:
    """The explanation whose numbers stand in all files, without traces and seconds.

    Its last digits depend on how many threads compute it: here it is one. Raises CnnfixError as `explain`.
    """
    with one_thread():
        return replace(explain(model, picture, asked, preset).without_traces(), seconds=math.nan)


def _now() -> str:
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    seconds = int(given) if given.isdecimal() and len(given) < 12 else time.time()
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _without_seconds(one: Measured) -> Measured:
    return replace(one, found=replace(one.found, seconds=math.nan))


def _report_steps(walk: Walked, picture: Picture) -> list[ReportStep]:
    """A few evenly spaced steps, from the first that can be shown on the picture to the picture itself."""
    playback, steps = walk.playbacks[0], [walk.path.steps[block.first] for block in walk.path.blocks]
    shown = [step for step in steps if step.field and playback.cloud_at(step.number)]
    count = min(_STEPS, len(shown))
    chosen = [shown[round(n * (len(shown) - 1) / max(count - 1, 1))] for n in range(count)]
    return [
        ReportStep(
            step.number,
            step_photo(walk, picture, step.number, longest_side=_SIDE),
            place_in_walk(walk, step),
            step_words(step, walk.trace, playback),
        )
        for step in chosen
    ]


def _facts(model: Model, picture: Picture, file: PictureFile, explanation: Explanation) -> dict[str, str]:
    preset = {key: value for key, value in asdict(explanation.preset).items() if value is not None}
    return {
        "Picture": f"{file.name}, {picture.width} × {picture.height} pixels",
        **({"Credit": credit} if (credit := credit_of(picture)) else {}),
        "SHA-256 of the picture": picture.digest,
        "Network": model.title,
        "Weights": f"{model.source}; {model.licence}",
        "SHA-256 of the weights": digest_of(model),
        "Network's input": f"{model.input_size[1]} × {model.input_size[0]} pixels, {model.interpolation}, "
        f"{listed_channels(model.preprocess.channels)}, mean {_joined(model.preprocess.mean)}, "
        f"std {_joined(model.preprocess.std)}",
        "Scores": meaning_in_words(model.meaning, model.output),
        "Settings": ", ".join(f"{key} {value}" for key, value in preset.items()),
        "Versions": ", ".join(f"{package} {version}" for package, version in versions().items()),
    }


def _joined(values: Sequence[float]) -> str:
    return "/".join(f"{value:g}" for value in values)


def _command(name: str, explanation: Explanation, model_words: Sequence[str]) -> str:
    preset, other = explanation.preset, explanation.rather_than
    words = ["cnnfix", "report", name, *model_words, "--target", str(explanation.target.index)]
    words += [] if other is None else ["--rather-than", str(other.index)]
    words += ["--preset", preset.name]
    focus = next((name for name, knob in FOCUS.items() if knob == (preset.fan_out, preset.beam)), None)
    words += ["--focus", focus] if focus and preset.name == "evidence" else []
    words += [] if preset.depth == PRESETS.get(preset.name, preset).depth else ["--depth", str(preset.depth)]
    words += ["--crops", preset.crops]
    return shlex.join([*words, "--out", "report.zip"])
