"""`cnnfix clip`: which pixels in which frames made a network say its class."""

from __future__ import annotations

import argparse

from cnnfix_core.cli.options import add_device, add_focus, add_target, file_ending, target_of, written_file
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument(
        "files", metavar="FILE", nargs="+", help="an animated GIF, WebP or PNG, or pictures that are its frames"
    )
    command.add_argument("--model", metavar="NAME", default="motions", help="motions (default), or a video network")
    add_target(command)
    add_focus(command)
    add_device(command)
    command.add_argument("--json", metavar="FILE", type=written_file, help="write the fixations in each frame as JSON")
    command.add_argument("--gif", metavar="FILE", type=file_ending(".gif"), help="draw both maps as an animated GIF")


def run(options: argparse.Namespace) -> int:
    """Explain, print where the evidence lies, and write the files."""
    from cnnfix_core.explanations import question
    from cnnfix_core.images import bytes_of
    from cnnfix_core.modalities.video import (
        clip_animation,
        clip_json,
        clip_words,
        explain_clip,
        load_clip_model,
        read_clip,
    )
    from cnnfix_core.regions import MAP_SIDE
    from cnnfix_core.utils import percent

    clip = read_clip([bytes_of(file) for file in options.files])
    model = load_clip_model(options.model).on(options.device)
    with Waiting("Explaining"):
        found = explain_clip(model, clip, target_of(options), focus=options.focus)
        words = clip_words(found, found.density(MAP_SIDE), found.rival(MAP_SIDE))
    print(f"{question(found.target, found.rather_than)} {model.title}, {percent(found.target.probability)}.")
    print(words)
    if options.json:
        write_file(options.json, clip_json(found))
    if options.gif:
        with Waiting("Drawing the animation"):
            write_file(options.gif, clip_animation(found))
    return 0
