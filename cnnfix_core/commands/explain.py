"""`cnnfix explain`: one picture, one class, one walk."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfix_core.commands.options import add_preset, add_question, asked, load
from cnnfix_core.errors import ModelError

if TYPE_CHECKING:
    from cnnfix_core.commands.options import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    command = commands.add_parser("explain", help="explain one picture")
    add_question(command)
    add_preset(command)
    command.add_argument("--json", metavar="FILE", type=Path, help="write the result as JSON")
    command.add_argument("--csv", metavar="FILE", type=Path, help="write the fixations as CSV")
    command.add_argument("--figure", metavar="FILE", type=Path, help="draw fixations and Grad-CAM as a PNG picture")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Explain, print a summary, write what is asked for."""
    # Only now: PyTorch takes seconds to import, and a mistyped argument should not.
    from cnnfix_core import export, figures, images, maps, words
    from cnnfix_core.explain import explain
    from cnnfix_core.methods import attribute

    picture = images.open_picture(options.image)
    model = load(options.model, options)
    result = explain(model, picture, asked(options), options.preset, options.focus)
    density = result.density(longest_side=maps.MAP_SIDE)
    print(words.summary(result, density))
    if options.json:
        options.json.write_text(export.as_json(result), "utf-8")
    if options.csv:
        options.csv.write_text(export.as_csv(result), "utf-8")
    if options.figure:
        rival = None
        try:
            rival = attribute(model, picture, result.asked, crops=result.preset.crops, longest_side=maps.MAP_SIDE)
        except ModelError as error:
            print(f"The figure is without Grad-CAM. {error}", file=sys.stderr)
        options.figure.write_bytes(figures.png(figures.comparison(picture, result, density, rival)))
    return 0
