"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cnnfix_core.engine import FOCUS, PRESETS
from cnnfix_core.errors import CnnfixError, did_you_mean
from cnnfix_core.zoo import DEFAULT, Model

INTERRUPTED = 130  # exit code after Ctrl+C
_SHOWN = 10  # warnings of one kind
STEPS = 16  # default number of steps of insertion and deletion


def add_question(command: argparse.ArgumentParser, or_else: str = "") -> None:
    """Add the arguments for a picture, a model and a target. or_else: what the picture may be besides a file."""
    kinds = "a picture file: PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF"
    command.add_argument("image", metavar="IMAGE", help=f"{kinds}; {or_else}" if or_else else kinds)
    add_model(command)
    command.add_argument("--target", metavar="CLASS", help="class number or name (default: the predicted class)")
    command.add_argument("--rather-than", metavar="CLASS", help="explain the difference to this class")


def add_preset(command: argparse.ArgumentParser) -> None:
    """Add the arguments for a walk."""
    command.add_argument("--preset", choices=PRESETS, default="evidence", help="rules of the walk (default: evidence)")
    command.add_argument("--focus", choices=FOCUS, help="focus of the evidence preset (default: balanced)")


def add_model(command: argparse.ArgumentParser) -> None:
    """Add the arguments for one model."""
    command.add_argument(
        "--model",
        metavar="NAME",
        default=DEFAULT,
        help=f"see `cnnfix models` (default: {DEFAULT}), or a file: .pt2, or .pth or .safetensors with --architecture",
    )
    add_file(command)


def add_file(command: argparse.ArgumentParser) -> None:
    """Add the arguments for a model file."""
    command.add_argument("--architecture", metavar="NAME", help="network of the weights: resnet50 or timm/resnet50")
    command.add_argument("--labels", metavar="FILE", type=Path, help="class names: one per line, or JSON")


def target_of(options: argparse.Namespace) -> str | tuple[str | None, str] | None:
    """The target: a class, or a contrast."""
    target: str | None = options.target
    return target if options.rather_than is None else (target, options.rather_than)


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


def file_ending(ending: str) -> Callable[[str], Path]:
    """An argparse type: a file with this ending, which says what is written."""

    def file(text: str) -> Path:
        if not text.lower().endswith(ending):
            raise argparse.ArgumentTypeError(f"{text!r} must end in {ending}")
        return Path(text)

    return file


def print_warnings(sentences: Sequence[str]) -> None:
    """Print warnings to stderr, but only the first ones if there are many."""
    for sentence in sentences[:_SHOWN]:
        # Names of files may contain anything, even what moves the cursor.
        print(sentence if sentence.isprintable() else repr(sentence)[1:-1], file=sys.stderr)
    if len(sentences) > _SHOWN:
        print(f"... and {len(sentences) - _SHOWN:,} more like this.", file=sys.stderr)


def with_baselines(methods: Sequence[str]) -> tuple[str, ...]:
    """The methods, followed by the baselines that are not among them."""
    from cnnfix_core.methods import BASELINES

    return tuple(dict.fromkeys((*methods, *BASELINES)))


def load(name: str, options: argparse.Namespace) -> Model:
    """Load the model with this name, or from this file."""
    from cnnfix_core import zoo

    path = Path(name)
    if not path.is_file():
        return zoo.load_model(name, _show_progress)
    try:
        labels = zoo.read_labels(options.labels.read_bytes()) if options.labels else None
    except OSError as error:
        raise CnnfixError(f"The labels in {options.labels} cannot be read: {error.strerror}.") from error
    model = zoo.open_own(path, path.name, architecture=options.architecture, labels=labels)
    print_warnings(model.notes)
    return model


def _show_progress(done: int, total: int | None) -> None:
    end = "\n" if done == total else "\r"
    of = f" of {total / 1e6:.0f}" if total else ""
    print(f"Downloading: {done / 1e6:.0f}{of} MB", end=end, file=sys.stderr, flush=True)
