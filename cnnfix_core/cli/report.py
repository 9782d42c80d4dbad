"""`cnnfix report`: write a report as HTML, PDF or an archive with all data."""

from __future__ import annotations

import argparse
from dataclasses import replace

from cnnfix_core.cli.options import (
    add_preset,
    add_question,
    load,
    model_options,
    model_words,
    opened,
    preset_of,
    target_of,
    written_file,
)
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError, need
from cnnfix_core.utils import write_file

_CROPS = ("whole", "centre", "five")


def add(command: Parser) -> None:
    """Declare the command."""
    add_question(command, "or the name of a sample picture")
    add_preset(command)
    command.add_argument(
        "--crops", choices=_CROPS, help="which views of the picture the network sees (default: those of the preset)"
    )
    command.add_argument(
        "--out",
        metavar="FILE",
        type=written_file,
        nargs="+",
        required=True,
        help="report.html, report.pdf or report.zip",
    )


def run(options: argparse.Namespace) -> int:
    """Explain, compare methods, and write the files."""
    from cnnfix_core import report
    from cnnfix_core.images import bytes_of

    kinds = {file: file.suffix.lower().lstrip(".") for file in options.out}
    for file, kind in kinds.items():
        if kind not in report.WRITERS:
            raise CnnfixError(f"{file} must end in .html, .pdf or .zip.")
        if kind != "html":
            need("reportlab")
    content = bytes_of(options.image)
    picture = opened(content)
    preset = preset_of(options)
    preset = replace(preset, crops=options.crops) if options.crops else preset
    model = load(options.model, model_options(options))
    with Waiting("Explaining and comparing"):
        made = report.make_report(
            model,
            picture,
            target_of(options),
            preset,
            file=report.PictureFile(options.image, content),
            model_words=model_words(options),
        )
    for file, kind in kinds.items():
        with Waiting(f"Writing {file.name}"):
            write_file(file, report.WRITERS[kind](made))
        print(file)
    return 0
