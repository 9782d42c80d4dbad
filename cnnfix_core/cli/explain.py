"""`cnnfix explain`: explain one class of one picture."""

from __future__ import annotations

import argparse
import sys

from cnnfix_core.cli.options import (
    add_preset,
    add_question,
    add_unit,
    file_ending,
    load,
    model_options,
    opened,
    preset_of,
    target_of,
    written_file,
)
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import MissingPackageError, ModelError
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    add_question(command)
    add_unit(command)
    add_preset(command)
    command.add_argument("--json", metavar="FILE", type=written_file, help="write the result as JSON")
    command.add_argument("--csv", metavar="FILE", type=written_file, help="write the fixations as CSV")
    command.add_argument(
        "--figure", metavar="FILE", type=file_ending(".png"), help="draw fixations and Grad-CAM as a PNG picture"
    )


def run(options: argparse.Namespace) -> int:
    """Explain, print a summary, and write the files."""
    # Imported late: PyTorch takes seconds to import, and a mistyped argument should fail at once.
    from cnnfix_core.explanations import description, explain, export
    from cnnfix_core.methods import attribute
    from cnnfix_core.regions import highest_density
    from cnnfix_core.visualization import drawing, figures

    picture = opened(options.image)
    model = load(options.model, model_options(options))
    with Waiting("Explaining"):
        result = explain(model, picture, target_of(options), preset_of(options))
        map_ = result.map(highest_density.MAP_SIDE)
    print(description.summary(result, map_))
    if options.json:
        write_file(options.json, export.as_json(result))
    if options.csv:
        write_file(options.csv, export.as_csv(result))
    if options.figure:
        rival = None
        try:
            if result.unit is None:
                crops, side = result.preset.crops, highest_density.MAP_SIDE
                rival = attribute(model, picture, result.asked, crops=crops, longest_side=side)
        except (MissingPackageError, ModelError) as error:
            print(f"The figure does not show Grad-CAM. {error}", file=sys.stderr)
        write_file(options.figure, drawing.png(figures.comparison(picture, result, map_, rival)))
    return 0
