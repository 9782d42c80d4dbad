"""`cnnfix backtrack`: the layers of a walk, from the score to the picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from cnnfix_core.cli.options import add_preset, add_question, asked, load
from cnnfix_core.cli.parsing import Parser


def add(command: Parser) -> None:
    """Declare the command."""
    add_question(command)
    add_preset(command)
    command.add_argument("--json", metavar="FILE", type=Path, help="write the whole walk as JSON: who came from whom")
    command.add_argument("--gif", metavar="FILE", type=Path, help="draw the walk as an animated GIF")


def run(options: argparse.Namespace) -> int:
    """Walk, print a line a block, write what is asked for."""
    from cnnfix_core.backtrack import step_texts, walked
    from cnnfix_core.backtrack.export import animation, trace_json
    from cnnfix_core.engine import get_preset
    from cnnfix_core.images import open_picture

    picture = open_picture(options.image)
    model = load(options.model, options)
    walk = walked(model, picture, asked(options), [get_preset(options.preset, options.focus)])
    for block in walk.path.blocks:
        step = walk.path.steps[block.first]
        print(f"{block.title:32} {step_texts.step_words(step, walk.trace, walk.playbacks[0])}")
    if options.json:
        options.json.write_text(trace_json.trace_json(walk), "utf-8")
    if options.gif:
        options.gif.write_bytes(animation.gif(walk, picture))
    return 0
