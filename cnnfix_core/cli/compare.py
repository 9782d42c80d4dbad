"""`cnnfix compare`: compare several methods on one picture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import (
    STEPS,
    add_measures,
    add_methods,
    add_question,
    also,
    box_corners,
    file_ending,
    load,
    model_options,
    opened,
    parse_methods,
    target_of,
    with_baselines,
    written_file,
)
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import write_file

if TYPE_CHECKING:
    from cnnfix_core.images import Picture, SampleObject
    from cnnfix_core.metrics import ClassTarget, Measured
    from cnnfix_core.regions import Box, GroundTruth
    from cnnfix_core.zoo import Model


def add(command: Parser) -> None:
    """Declare the command."""
    add_question(command, "or the name of a sample picture")
    add_methods(command)
    command.add_argument(
        "--boxes",
        metavar="X0,Y0,X1,Y1",
        nargs="+",
        type=box_corners,
        default=(),
        help="bounding boxes of the object in inclusive pixels (sample pictures have their own, for some classes)",
    )
    command.add_argument("--curves", action="store_true", help="also compute insertion and deletion; takes longer")
    add_measures(command)
    command.add_argument(
        "--figure", metavar="FILE", type=file_ending(".png"), help="draw the maps on one scale as a PNG picture"
    )
    command.add_argument("--csv", metavar="FILE", type=written_file, help="write the numbers as CSV")


def run(options: argparse.Namespace) -> int:
    """Compute the maps, print the tables, and write the files."""
    from cnnfix_core.explanations import classes, question
    from cnnfix_core.images import sample_of
    from cnnfix_core.metrics import comparison
    from cnnfix_core.regions import GroundTruth
    from cnnfix_core.utils import percent

    methods = parse_methods(options.methods)
    sample = sample_of(options.image)
    picture = opened(sample.read() if sample else options.image)
    drawn = GroundTruth(picture.width, picture.height, tuple(options.boxes))
    if options.boxes and drawn.empty:
        raise CnnfixError(f"The boxes lie outside the picture, which has {picture.width} x {picture.height} pixels.")
    model = load(options.model, model_options(options))
    predictions = classes(model, picture)
    wanted, other = predictions.asked(target_of(options))
    target, rather_than = predictions.prediction(wanted), None if other is None else predictions.prediction(other)
    meant = sample.object_of(target.label) if sample and drawn.empty else None
    truth = GroundTruth(picture.width, picture.height, meant.boxes) if meant else drawn
    if not truth.empty:
        methods = with_baselines(methods)
    asked_for = wanted if other is None else (wanted, other)
    found = _compared(model, picture, truth, asked_for, methods, options)
    title = question(target, rather_than)
    covered = "" if truth.empty else f" The box{_around(meant)} covers {percent(truth.covered)} of the picture."
    if sample and truth.empty:
        covered = " The sample has no box for this class: give one with --boxes."
    print(f"{title} {model.title}, {percent(target.probability)}.{covered}\n")
    print(comparison.table(found))
    if agreement := comparison.agreement(found):
        print(f"\nAgreement: rank correlation (above), overlap of the strongest tenth (below)\n{agreement}")
    print(f"\n{comparison.verdicts(found)}")
    if options.csv:
        heading = comparison.ColumnHeading(
            model.name, options.image, target.label, "" if rather_than is None else rather_than.label
        )
        write_file(options.csv, comparison.as_csv((heading, one) for one in found))
    if options.figure:
        write_file(options.figure, _figure(picture, found, f"{title} {model.title}", truth.boxes))
    return 0


def _compared(
    model: Model,
    picture: Picture,
    truth: GroundTruth,
    asked: ClassTarget,
    methods: Sequence[str],
    options: argparse.Namespace,
) -> list[Measured]:
    from cnnfix_core.metrics import Failed, compare

    with Waiting("Computing maps") as waiting:
        steps = STEPS if options.curves else 0
        answers = list(compare(model, picture, truth, asked, methods, steps, also=also(options), progress=waiting))
    for one in answers:
        if isinstance(one, Failed):
            print(f"{one.method} is left out. {one.why}", file=sys.stderr)
    found = [one for one in answers if not isinstance(one, Failed)]
    if not found:
        raise CnnfixError("None of the methods produced a map: choose others.")
    return found


def _around(meant: SampleObject | None) -> str:
    return f" around the {meant.name}" if meant else ""


def _figure(picture: Picture, found: Sequence[Measured], title: str, truth: Sequence[Box]) -> bytes:
    from cnnfix_core.methods import METHODS
    from cnnfix_core.metrics import in_a_line
    from cnnfix_core.visualization import BOXES_TEXT, MOST_COLUMNS, FigureCell, grid, png

    cells = [
        FigureCell(
            picture,
            METHODS[one.found.method].title,
            one.found.map,
            detail=one.found.layer or "",
            note=in_a_line(one.numbers),
            fixations=one.found.fixations,
            box=one.found.box,
            truth=truth,
            cut_out=one.cut_out,
        )
        for one in found
    ]
    return png(grid(cells, title, BOXES_TEXT, min(MOST_COLUMNS, len(cells))))
