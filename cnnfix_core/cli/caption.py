"""`cnnfix caption`: caption a picture, and explain each word."""

from __future__ import annotations

import argparse

from cnnfix_core.cli.options import add_device, add_focus, file_ending, opened
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("image", metavar="IMAGE", help="a picture file")
    command.add_argument("--caption", metavar="WORDS", help="explain this caption instead of the captioner's")
    add_focus(command)
    add_device(command)
    command.add_argument(
        "--figure", metavar="FILE", type=file_ending(".png"), help="draw each word's fixations as a PNG picture"
    )


def run(options: argparse.Namespace) -> int:
    """Print one line per word, and write the figure."""
    from cnnfix_core.modalities.captions import caption_figure, explain_caption, load_captioner
    from cnnfix_core.utils import percent

    picture = opened(options.image)
    with Waiting("Reading the picture"):
        found = explain_caption(load_captioner().on(options.device), picture, options.caption, focus=options.focus)
    print(f"“{found.caption.text}”\n")
    print(f"{'word':<16}{'probability':>12}{'from the picture':>18}{'from the words before':>23}")
    for word in found.words:
        shares = [percent(share) for share in (word.probability, word.picture, sum(word.before))]
        print(f"{word.text:<16}{shares[0]:>12}{shares[1]:>18}{shares[2]:>23}")
    if options.figure:
        options.figure.write_bytes(caption_figure(picture, found))
    return 0
