"""`cnnfix disturb`: how often adversarial noise changes predictions, and how far it moves each method's map."""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import (
    add_methods,
    add_model,
    load,
    model_options,
    opened,
    parse_methods,
    positive,
    print_left_out,
    print_warnings,
    written_file,
)
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import write_file

if TYPE_CHECKING:
    from cnnfix_core.perturbations import Disturbed


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("source", metavar="FOLDER|IMAGE", type=Path, help="a folder of pictures, or one picture")
    add_model(command)
    add_methods(command)
    command.add_argument("--noise", choices=("fgsm", "pgd"), default="fgsm", help="the attack (default: fgsm)")
    command.add_argument(
        "--strength", metavar="N", type=positive, default=2, help="largest change of a number, of 255 (default: 2)"
    )
    command.add_argument("--csv", metavar="FILE", type=written_file, help="write one row per picture as CSV")


def run(options: argparse.Namespace) -> int:
    """Disturb each picture, print the counts, and write the file."""
    from cnnfix_core.images import named_pictures
    from cnnfix_core.perturbations import disturb
    from cnnfix_core.utils import csv_text

    methods = parse_methods(options.methods)
    files = named_pictures(options.source) if options.source.is_dir() else {options.source.name: options.source}
    if options.source.is_dir():
        print_left_out(options.source)
        if not files:
            raise CnnfixError(f"There is no picture in {options.source}: give a folder with pictures, or one picture.")
    model = load(options.model, model_options(options))
    found: dict[str, Disturbed] = {}
    with Waiting("Adding noise") as waiting:
        for number, (name, file) in enumerate(files.items()):
            waiting(number / len(files), f"Picture {number + 1:,} of {len(files):,}")
            try:
                found[name] = disturb(model, opened(file), methods, options.noise, options.strength)
            except CnnfixError as error:
                if len(files) == 1:
                    raise
                print_warnings([f"{name} is left out. {error}"])
    if not found:
        raise CnnfixError("No picture could be disturbed: see the sentences above.")
    print(_words(list(found.values()), methods, options))
    if options.csv:
        rows = [
            (name, one.before.label, one.after.label, *(_number(one.alike[method]) for method in methods))
            for name, one in found.items()
        ]
        write_file(options.csv, csv_text(("picture", "before", "after", *methods), rows))
    return 0


def _words(found: list[Disturbed], methods: tuple[str, ...], options: argparse.Namespace) -> str:
    from cnnfix_core.methods import METHODS

    flipped = sum(one.flipped for one in found)
    lines = [
        f"{options.noise.upper()} with at most {options.strength} of 255 changes the prediction of {flipped:,} "
        f"of {len(found):,} pictures.",
        "Rank correlation of each method's maps of the same class, without and with noise (1: it stays):",
    ]
    for method in methods:
        known = [value for one in found if (value := one.alike[method]) == value]  # not NaN
        mean = f"{fmean(known):.2f}" if known else "–"
        lines.append(f"{METHODS[method].title:28} {mean:>5}  ({len(known):,} pictures)")
    return "\n".join(lines)


def _number(value: float) -> str:
    return "" if value != value else f"{value:.6g}"  # noqa: PLR0124  # NaN
