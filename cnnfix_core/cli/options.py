"""Arguments that several commands take, and what they stand for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cnnfix_core.engine import FOCUS, PRESETS
from cnnfix_core.errors import CnnfixError, did_you_mean
from cnnfix_core.zoo import DEFAULT, Model

INTERRUPTED = 130  # what shells say of a command that Ctrl+C ended
_SHOWN = 10  # sentences of one kind
STEPS = 16  # of insertion and deletion, where nothing else is asked for


def add_question(command: argparse.ArgumentParser, or_else: str = "") -> None:
    """A picture, a model, and what is asked. or_else: what else than a file the picture may be."""
    kinds = "a picture: PNG, JPEG, WebP, AVIF, TIFF, BMP or GIF"
    command.add_argument("image", metavar="IMAGE", help=f"{kinds}; {or_else}" if or_else else kinds)
    add_model(command)
    command.add_argument("--target", metavar="CLASS", help="class number or name (default: the predicted class)")
    command.add_argument("--rather-than", metavar="CLASS", help="explain the difference to this class")


def add_preset(command: argparse.ArgumentParser) -> None:
    """How a walk goes."""
    command.add_argument("--preset", choices=PRESETS, default="evidence")
    command.add_argument("--focus", choices=FOCUS, help="of the evidence preset (default: balanced)")


def add_model(command: argparse.ArgumentParser) -> None:
    """One model."""
    command.add_argument(
        "--model",
        metavar="NAME",
        default=DEFAULT,
        help=f"see `cnnfix models` (default: {DEFAULT}), or a file: .pt2, or .pth or .safetensors with --architecture",
    )
    add_file(command)


def add_file(command: argparse.ArgumentParser) -> None:
    """What a model's file does not say itself."""
    command.add_argument("--architecture", metavar="NAME", help="whose weights the file holds: resnet50, timm/resnet50")
    command.add_argument("--labels", metavar="FILE", type=Path, help="its classes: one a line, or JSON")


def asked(options: argparse.Namespace) -> str | tuple[str | None, str] | None:
    """The class, or the contrast, that was asked for."""
    target: str | None = options.target
    return target if options.rather_than is None else (target, options.rather_than)


def methods_named(text: str) -> tuple[str, ...]:
    """The methods in a list with commas, or all of them. Raises CnnfixError for an unknown one."""
    from cnnfix_core.methods import METHODS

    if text == "all":
        return tuple(METHODS)
    names = dict.fromkeys(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in METHODS:
            hint = did_you_mean(name, METHODS, f"There are: {', '.join(METHODS)}.")
            raise CnnfixError(f"There is no method {name!r}. {hint}")
    if not names:
        raise CnnfixError(f"Name methods, with commas between them, or say all. There are: {', '.join(METHODS)}.")
    return tuple(names)


def whole(text: str) -> int:
    """A whole number from 0, for argparse."""
    if not text.isdecimal() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    if whole(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def complain(sentences: Sequence[str]) -> None:
    """Say what is not as it should be, on stderr; of many the first ones."""
    for sentence in sentences[:_SHOWN]:
        print(sentence, file=sys.stderr)
    if len(sentences) > _SHOWN:
        print(f"... and {len(sentences) - _SHOWN:,} more like this.", file=sys.stderr)


def with_baselines(methods: Sequence[str]) -> tuple[str, ...]:
    """The methods, and the baselines after them where they are not among them."""
    from cnnfix_core.methods import BASELINES

    return tuple(dict.fromkeys((*methods, *BASELINES)))


def load(name: str, options: argparse.Namespace) -> Model:
    """The model of this name, or in this file."""
    from cnnfix_core import zoo

    path = Path(name)
    if not path.is_file():
        return zoo.load_model(name, _show_progress)
    try:
        labels = zoo.read_labels(options.labels.read_bytes()) if options.labels else None
    except OSError as error:
        raise CnnfixError(f"The labels in {options.labels} cannot be read: {error.strerror}.") from error
    return zoo.open_own(path, path.name, architecture=options.architecture, labels=labels)


def _show_progress(done: int, total: int | None) -> None:
    end = "\n" if done == total else "\r"
    of = f" of {total / 1e6:.0f}" if total else ""
    print(f"Downloading: {done / 1e6:.0f}{of} MB", end=end, file=sys.stderr, flush=True)
