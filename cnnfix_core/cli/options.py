"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnnfix_core.cli.parsing import one_line
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.engine import FOCUS, PRESETS, Depth, Preset, Unit, depth_of, get_preset
from cnnfix_core.errors import CnnfixError, did_you_mean
from cnnfix_core.images import Picture, Source, left_out_of, open_picture
from cnnfix_core.regions import Box
from cnnfix_core.zoo import DEFAULT, Model

if TYPE_CHECKING:
    from cnnfix_core.metrics import Also

_SHOWN = 10  # warnings of one kind
_LOADING = "Loading the network"
_OF_A_FILE = ("architecture", "labels", "scores", "meaning", "channels", "mean", "std")
STEPS = 16  # default number of steps of insertion and deletion


def add_question(command: argparse.ArgumentParser, or_else: str = "") -> None:
    """Add the arguments for a picture, a model and a target. or_else: what the picture may be besides a file."""
    kinds = "a picture file: PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF"
    command.add_argument("image", metavar="IMAGE", help=f"{kinds}; {or_else}" if or_else else kinds)
    add_model(command)
    add_target(command)


def add_unit(command: argparse.ArgumentParser) -> None:
    """Add the argument for a unit inside the network, which is explained instead of a class."""
    command.add_argument(
        "--unit",
        metavar="MODULE:INDEX",
        help="instead of a class, explain a channel at its strongest place, layer3:87, or an element, layer3:87.4.5",
    )


def add_preset(command: argparse.ArgumentParser) -> None:
    """Add the arguments for a walk."""
    command.add_argument("--preset", choices=PRESETS, default="evidence", help="rules of the walk (default: evidence)")
    command.add_argument("--focus", choices=FOCUS, help="focus of the evidence preset (default: balanced)")
    command.add_argument(
        "--depth",
        metavar="DEPTH",
        type=_depth,
        help="where the map shows the evidence: all, the stride of a feature map such as 32, or 1 for the pixels "
        "(default: all; the published preset: 1)",
    )


def preset_of(options: argparse.Namespace) -> Preset:
    """The preset of a walk. Raises CnnfixError for a focus that the preset does not have."""
    return get_preset(options.preset, options.focus, options.depth)


def add_model(command: argparse.ArgumentParser) -> None:
    """Add the arguments for one model."""
    command.add_argument(
        "--model",
        metavar="NAME",
        default=DEFAULT,
        help=f"see `cnnfix models` (default: {DEFAULT}), or a file: .pt2, .onnx, or weights with --architecture",
    )
    add_file(command)


def add_file(command: argparse.ArgumentParser) -> None:
    """Add the arguments for a model file, and the device."""
    file = command.add_argument_group("for a model file")
    file.add_argument("--architecture", metavar="NAME", help="network of the weights: resnet50 or timm/resnet50")
    file.add_argument("--labels", metavar="FILE", type=Path, help="class names: one per line, or JSON")
    file.add_argument("--scores", metavar="OUTPUT", help="which output holds the scores: a name or a number")
    file.add_argument(
        "--meaning",
        metavar="KIND",
        help="what they mean: softmax, sigmoid, probabilities or log-probabilities (default: told by the network)",
    )
    file.add_argument(
        "--channels", metavar="A,B,...", help="what the input's channels show: red, green, blue, grey or none"
    )
    file.add_argument("--mean", metavar="X,Y,...", type=_numbers, help="mean of each channel, for values from 0 to 1")
    file.add_argument("--std", metavar="X,Y,...", type=_numbers, help="standard deviation of each channel")
    add_device(command)


def add_methods(command: argparse.ArgumentParser, default: str = "fixations,gradcam", more: str = "") -> None:
    """Add the argument for several methods. more: what else is to be known of them."""
    said = f"comma-separated names, or all (default{'' if default == 'all' else f': {default}'})"
    command.add_argument("--methods", metavar="A,B,...", default=default, help=said + more)


def add_method(command: argparse.ArgumentParser, what: str) -> None:
    """Add the argument for one method."""
    command.add_argument("--method", metavar="NAME", default="fixations", help=f"{what} (default: fixations)")


def add_focus(command: argparse.ArgumentParser) -> None:
    """Add the argument for how narrow walks are, where there is no other setting of a walk."""
    command.add_argument(
        "--focus", choices=FOCUS, default="balanced", help="how narrow the walks are (default: balanced)"
    )


def add_target(command: argparse.ArgumentParser) -> None:
    """Add the arguments for a target."""
    command.add_argument("--target", metavar="CLASS", help="class number or name (default: the predicted class)")
    command.add_argument("--rather-than", metavar="CLASS", help="explain the difference to this class")


def add_measures(command: argparse.ArgumentParser) -> None:
    """Add the arguments for what is measured only if it is asked for."""
    command.add_argument("--road", action="store_true", help="also compute ROAD; takes a second or more for each map")
    command.add_argument(
        "--sensitivity",
        action="store_true",
        help="also compute how much each map changes under noise that nobody sees; takes ten more maps",
    )
    command.add_argument(
        "--cut-outs",
        action="store_true",
        help="also cut out the object that each map points at, and measure it against masks or boxes",
    )


def also(options: argparse.Namespace) -> tuple[Also, ...]:
    """What is measured besides, by the arguments of `add_measures`."""
    from cnnfix_core.metrics import ALSO

    return tuple(name for name in ALSO if getattr(options, name))


def add_device(command: argparse.ArgumentParser) -> None:
    """Add the argument for the device."""
    command.add_argument("--device", metavar="NAME", default="cpu", help="cpu (default), cuda, cuda:1 or mps")


def model_options(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments that `load` reads besides the model's name; they can be sent to other processes."""
    return {name: getattr(options, name) for name in (*_OF_A_FILE, "device")}


def model_words(options: argparse.Namespace) -> list[str]:
    """The words of a command that choose the model and say how to read it."""
    given = {name: getattr(options, name) for name in ("model", *_OF_A_FILE)}
    return [
        word
        for name, value in given.items()
        if value is not None
        for word in (f"--{name}", ",".join(map(str, value)) if isinstance(value, tuple) else str(value))
    ]


def target_of(options: argparse.Namespace) -> str | tuple[str | None, str] | Unit | None:
    """The target: a class, a contrast, or a unit. Raises CnnfixError for a class and a unit."""
    target: str | None = options.target
    if getattr(options, "unit", None) is not None:  # not all commands have it
        return unit_of(options)
    return target if options.rather_than is None else (target, options.rather_than)


def unit_of(options: argparse.Namespace) -> Unit:
    """The unit of --unit. Raises CnnfixError if a class is given too."""
    if options.target is not None or getattr(options, "rather_than", None) is not None:
        raise CnnfixError("Give a class or a unit, not both.")
    return Unit.parse(options.unit)


def parse_methods(text: str) -> tuple[str, ...]:
    """The methods in a comma-separated list, or all of them. Raises CnnfixError for an unknown method."""
    from cnnfix_core.methods import METHODS

    if text == "all":
        return tuple(METHODS)
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in METHODS:
            hint = did_you_mean(name, METHODS, f"Choose from: {', '.join(METHODS)}.")
            raise CnnfixError(f"There is no method {name!r}. {hint}")
    if not names:
        raise CnnfixError(f"Give a comma-separated list of methods, or all. Choose from: {', '.join(METHODS)}.")
    return tuple(names)


def non_negative(text: str) -> int:
    """An argparse type: a whole number, 0 or more."""
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 0 or more")
    return int(text)


def positive(text: str) -> int:
    """An argparse type: a whole number, 1 or more."""
    if non_negative(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, 1 or more")
    return int(text)


def box_corners(text: str) -> Box:
    """An argparse type: a box in inclusive pixels, x0,y0,x1,y1."""
    from cnnfix_core.benchmark import corners

    try:
        return corners(text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def written_file(text: str) -> Path:
    """An argparse type: a file to write. What cannot be written is refused before anything is computed."""
    file, folder = Path(text), Path(text).parent
    if file.is_dir():
        reason = "it is a folder; give a file"
    elif not folder.is_dir():
        reason = f"{folder} is not a folder" if folder.exists() else f"there is no folder {folder}"
    elif not os.access(file if file.exists() and not file.is_file() else folder, os.W_OK):
        reason = f"you may not write in {folder}"
    else:
        return file
    raise argparse.ArgumentTypeError(f"cannot write {text!r}: {reason}")


def file_ending(ending: str) -> Callable[[str], Path]:
    """An argparse type: a `written_file` with this ending, which says what is written."""

    def file(text: str) -> Path:
        if not text.lower().endswith(ending):
            raise argparse.ArgumentTypeError(f"{text!r} must end in {ending}")
        return written_file(text)

    return file


def print_warnings(sentences: Sequence[str]) -> None:
    """Print warnings to stderr, but only the first ones if there are many."""
    for sentence in sentences[:_SHOWN]:
        print(one_line(sentence), file=sys.stderr)
    if len(sentences) > _SHOWN:
        print(f"... and {len(sentences) - _SHOWN:,} more like this.", file=sys.stderr)


def opened(source: Source) -> Picture:
    """The picture; prints what of it is missing or was brightened."""
    picture = open_picture(source)
    print_warnings(picture.notes)
    return picture


def print_left_out(folder: Path, used: Path | None = None) -> None:
    """Say which files in a folder are no pictures; nothing for a list of pictures. used: see `left_out_of`."""
    print_warnings([sentence for sentence in [left_out_of(folder, used)] if sentence])


def with_baselines(methods: Sequence[str]) -> tuple[str, ...]:
    """The methods, followed by the baselines that are not among them."""
    from cnnfix_core.methods import BASELINES

    return tuple(dict.fromkeys((*methods, *BASELINES)))


def load(name: str, options: Mapping[str, Any]) -> Model:
    """Load the model with this name, or from this file, on the device of the `model_options`."""
    from cnnfix_core import zoo

    path = Path(name)
    of_a_file = [option for option in _OF_A_FILE if options[option] is not None]
    if of_a_file and not path.is_file() and any(name == info.name for info in zoo.list_models()):
        raise CnnfixError(f"--{of_a_file[0]} says how to read a model file, and {name} is not one: leave it out.")
    with Waiting(_LOADING) as waiting:
        model = _opened(path, options) if path.is_file() else zoo.load_model(name, partial(_downloading, waiting))
        return model.on(options["device"])


def _opened(path: Path, options: Mapping[str, Any]) -> Model:
    from cnnfix_core import zoo

    try:
        labels = zoo.read_labels(options["labels"].read_bytes()) if options["labels"] else None
    except OSError as error:
        raise CnnfixError(f"The labels in {options['labels']} cannot be read: {error.strerror}.") from error
    taken = {name: options[name] for name in ("architecture", "scores", "meaning")}
    model = zoo.open_own(path, path.name, labels=labels, **taken)
    changed: dict[str, Any] = {name: options[name] for name in ("mean", "std") if options[name]}
    if options["channels"]:
        shown = tuple(part.strip() for part in options["channels"].split(","))
        model = replace(model, preprocess=replace(model.preprocess.of_channels(len(shown)), channels=shown))
    model = replace(model, preprocess=replace(model.preprocess, **changed))
    print_warnings([*model.notes, *([] if model.usual else [f"{model.title}: {model.facts}"])])
    return model


def _depth(text: str) -> Depth:
    try:
        return depth_of(text)
    except CnnfixError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers, such as 0.5,0.5,0.5") from None


def _downloading(waiting: Waiting, done: int, total: int | None) -> None:
    of = f" of {total / 1e6:.0f}" if total else ""
    waiting(done / total if total else 0, _LOADING if done == total else f"Downloading, {done / 1e6:.0f}{of} MB")
