"""`cnnfix cutout`: cut out what a map points at."""

from __future__ import annotations

import argparse

from cnnfix_core.cli.options import add_method, add_question, file_ending, load, model_options, opened, target_of
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    add_question(command)
    add_method(command, "from whose map the object grows")
    command.add_argument(
        "--out", metavar="FILE", type=file_ending(".png"), help="write the object as a PNG picture with transparency"
    )
    command.add_argument("--mask", metavar="FILE", type=file_ending(".png"), help="write the mask, white on the object")
    command.add_argument("--figure", metavar="FILE", type=file_ending(".png"), help="draw the outline on the picture")


def run(options: argparse.Namespace) -> int:
    """Cut out, print the share of the picture, and write the files."""
    from PIL import Image

    from cnnfix_core.methods import METHODS, attribution
    from cnnfix_core.regions import MAP_SIDE, cut_out
    from cnnfix_core.utils import percent
    from cnnfix_core.visualization import outlined, png, transparent

    picture = opened(options.image)
    model = load(options.model, model_options(options))
    with Waiting("Cutting out"):
        target = target_of(options)
        found = attribution(model, picture, target, options.method, longest_side=MAP_SIDE)
        mask = cut_out(picture.pixels, found.map)
    if not mask.any():
        raise CnnfixError("The map is empty, so there is nothing to cut out: ask about another class.")
    asked = found.asked if isinstance(found.asked, tuple) else (found.asked,)
    names = " rather than ".join(model.labels.short[one] for one in asked if isinstance(one, int))
    print(f"“{names}”, from {METHODS[options.method].title}: {percent(float(mask.mean()))} of the picture.")
    if options.out:
        write_file(options.out, png(transparent(picture, mask)))
    if options.mask:
        write_file(options.mask, png(Image.fromarray(mask)))
    if options.figure:
        write_file(options.figure, png(outlined(picture, mask, 1024)))
    return 0
