"""`cnnfix sketch`: what a network sees in a drawing, and how much of it lies on the ink."""

from __future__ import annotations

import argparse

from cnnfix_core.cli.options import add_device, add_focus, add_target, file_ending, opened, target_of, written_file
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("image", metavar="IMAGE", help="a picture of a drawing, dark on light")
    add_target(command)
    add_focus(command)
    add_device(command)
    command.add_argument("--json", metavar="FILE", type=written_file, help="write the result as JSON")
    command.add_argument("--figure", metavar="FILE", type=file_ending(".png"), help="draw the map on the drawing")


def run(options: argparse.Namespace) -> int:
    """Explain, print what was found and how much of it is on the ink, and write the files."""
    from cnnfix_core.explanations import description, explain, export
    from cnnfix_core.modalities.sketches import on_ink, sheet_of
    from cnnfix_core.regions import MAP_SIDE
    from cnnfix_core.utils import percent
    from cnnfix_core.visualization import comparison, png
    from cnnfix_core.zoo import load_model

    sheet = sheet_of(opened(options.image))
    model = load_model("sketches").on(options.device)
    with Waiting("Explaining"):
        found = explain(model, sheet, target_of(options), focus=options.focus)
        map_ = found.map(MAP_SIDE)
    print(description.summary(found, map_))
    ink = on_ink(found.kept_fixations, sheet)
    print(f"{percent(ink.ink)} of the evidence is on the ink, which is {percent(ink.covered)} of the sheet.")
    if options.json:
        write_file(options.json, export.as_json(found))
    if options.figure:
        write_file(options.figure, png(comparison(sheet, found, map_, None)))
    return 0
