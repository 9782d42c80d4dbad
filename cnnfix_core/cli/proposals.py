"""`cnnfix proposals`: boxes that may hold objects, from the evidence for the top classes."""

from __future__ import annotations

import argparse

from cnnfix_core.cli.options import add_model, file_ending, load, model_options, opened, positive, written_file
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("image", metavar="IMAGE", help="a picture file")
    add_model(command)
    command.add_argument("--count", metavar="N", type=positive, default=10, help="the most boxes (default: 10)")
    command.add_argument("--csv", metavar="FILE", type=written_file, help="write the boxes as CSV")
    command.add_argument("--figure", metavar="FILE", type=file_ending(".png"), help="draw the boxes on the picture")


def run(options: argparse.Namespace) -> int:
    """Print the boxes, the most likely first, and write the files."""
    from cnnfix_core.explanations import proposals
    from cnnfix_core.utils import csv_text, percent
    from cnnfix_core.visualization import boxed_figure, png

    picture = opened(options.image)
    model = load(options.model, model_options(options))
    with Waiting("Following the evidence for the top classes"):
        found = proposals(model, picture, options.count)
    for number, one in enumerate(found, 1):
        corners = ",".join(map(str, one.box))
        print(f"{number:3}  {corners:24}{percent(one.prediction.probability):>8}  {one.prediction.label}")
    if options.csv:
        rows = [(*one.box, one.prediction.label, f"{one.prediction.probability:.6g}") for one in found]
        write_file(options.csv, csv_text(("x0", "y0", "x1", "y1", "class", "probability"), rows))
    if options.figure:
        write_file(options.figure, png(boxed_figure(picture, [one.box for one in found], 1024)))
    return 0
