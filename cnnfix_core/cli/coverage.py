"""`cnnfix coverage`: which operations of a network have a rule."""

from __future__ import annotations

import argparse

from cnnfix_core.cli.options import add_device, written_file
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument(
        "names", nargs="*", metavar="NAME", help="a network: resnet50 (torchvision) or timm/resnet50 (timm)"
    )
    command.add_argument(
        "--all", action="store_true", help="all networks of torchvision, and one of each family of timm"
    )
    add_device(command)
    command.add_argument("--markdown", metavar="FILE", type=written_file, help="write the table as a Markdown page")


def run(options: argparse.Namespace) -> int:
    """Print one line per network; returns 1 if a walk stops in any of them."""
    from cnnfix_core.zoo import families, survey

    names = [*options.names, *(families.surveyed() if options.all else ())]
    if not names:
        raise CnnfixError("Name a network, such as resnet50 or timm/resnet50, or give --all.")
    rows: list[survey.SurveyRow] = []
    for name in names:
        with Waiting(f"Walking through {name}"):
            rows += survey.survey([name], options.device)
        print(survey.sentence(rows[-1]), flush=True)
    if len(rows) == 1 and rows[0].coverage:
        print(survey.details(rows[0].coverage))
    if options.markdown:
        write_file(options.markdown, survey.markdown(rows))
    return int(any(row.coverage is None or not row.coverage.complete for row in rows))
