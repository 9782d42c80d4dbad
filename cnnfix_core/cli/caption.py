"""`cnnfix caption`: caption a picture, and explain each word."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import add_device, add_focus, box_corners, file_ending, opened
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.regions import Box
from cnnfix_core.utils import write_file

if TYPE_CHECKING:
    from cnnfix_core.modalities.captions import CaptionExplanation


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("image", metavar="IMAGE", help="a picture file")
    command.add_argument("--caption", metavar="WORDS", help="explain this caption instead of the captioner's")
    command.add_argument(
        "--box",
        metavar="X0,Y0,X1,Y1",
        type=box_corners,
        action="append",
        dest="boxes",
        help="caption this part of the picture, in inclusive pixels, instead of the whole; can be repeated",
    )
    add_focus(command)
    add_device(command)
    command.add_argument(
        "--figure",
        metavar="FILE",
        type=file_ending(".png"),
        help="draw each word's fixations as a PNG picture; with several boxes the names end in -1.png, -2.png, ...",
    )


def run(options: argparse.Namespace) -> int:
    """Print one line per word of each caption, and write the figures."""
    from cnnfix_core.modalities.captions import caption_figure, explain_caption, load_captioner

    picture = opened(options.image)
    captioner = load_captioner().on(options.device)
    parts: list[Box | None] = options.boxes or [None]
    for number, part in enumerate(parts, 1):
        with Waiting("Reading the picture"):
            found = explain_caption(captioner.within(part), picture, options.caption, focus=options.focus)
        print("\n" * (number > 1) + _table(found))
        if options.figure:
            many = f"-{number}" if len(parts) > 1 else ""
            file = options.figure.with_stem(options.figure.stem + many)
            write_file(file, caption_figure(picture, found))
    return 0


def _table(found: CaptionExplanation) -> str:
    """The caption, and a line per word."""
    from cnnfix_core.utils import percent

    where = "Box {},{},{},{}: ".format(*found.part) if found.part else ""
    lines = [f"{where}“{found.caption.text}”", ""]
    lines.append(f"{'word':<16}{'probability':>12}{'from the picture':>18}{'from the words before':>23}")
    for word in found.words:
        shares = [percent(share) for share in (word.probability, word.picture, sum(word.before))]
        lines.append(f"{word.text:<16}{shares[0]:>12}{shares[1]:>18}{shares[2]:>23}")
    return "\n".join(lines)
