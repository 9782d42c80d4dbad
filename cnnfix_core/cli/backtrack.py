"""`cnnfix backtrack`: the layers of a walk, from the score to the picture."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import (
    add_preset,
    add_question,
    add_unit,
    file_ending,
    load,
    model_options,
    non_negative,
    opened,
    preset_of,
    target_of,
    written_file,
)
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import write_file

if TYPE_CHECKING:
    from cnnfix_core.backtrack import Walked


def add(command: Parser) -> None:
    """Declare the command."""
    add_question(command)
    add_unit(command)
    add_preset(command)
    command.add_argument(
        "--step", metavar="N", type=non_negative, help="explain this step, 0 at the score, not all of them"
    )
    command.add_argument(
        "--pick",
        metavar="ELEMENTS",
        help="what to explain of the step: CHANNEL.ROW.COLUMN, or CHANNEL, * for any (default: the strongest element)",
    )
    command.add_argument(
        "--json",
        metavar="FILE",
        type=written_file,
        help="write the whole walk as JSON, with the lineage of each element",
    )
    command.add_argument("--gif", metavar="FILE", type=file_ending(".gif"), help="draw the walk as an animated GIF")


def run(options: argparse.Namespace) -> int:
    """Walk, print one line per block or the details of one step, and write the files."""
    from cnnfix_core.backtrack import gif, trace_json, walked

    if options.pick and options.step is None:
        raise CnnfixError("--pick chooses elements of one step: say which with --step.")
    picture = opened(options.image)
    model = load(options.model, model_options(options))
    with Waiting("Walking back"):
        walk = walked(model, picture, target_of(options), [preset_of(options)])
    print(_blocks(walk) if options.step is None else _facts(walk, options.step, options.pick))
    if options.json:
        write_file(options.json, trace_json(walk))
    if options.gif:
        with Waiting("Drawing the animation"):
            write_file(options.gif, gif(walk, picture))
    return 0


def _blocks(walk: Walked) -> str:
    from cnnfix_core.backtrack import step_words

    firsts = [(block.title, walk.path.steps[block.first]) for block in walk.path.blocks]
    return "\n".join(f"{title:32} {step_words(step, walk.trace, walk.playbacks[0])}" for title, step in firsts)


def _facts(walk: Walked, step: int, pick: str | None) -> str:
    from cnnfix_core.backtrack import Chosen, inspect

    try:
        chosen = Chosen.parse(f"{step}.{pick}") if pick else None
    except ValueError:
        raise CnnfixError(f"{pick!r} names no elements: write CHANNEL.ROW.COLUMN, such as 83.12.7 or *.12.7.") from None
    facts = inspect(walk, step, chosen)
    if chosen and not facts.pick:
        raise CnnfixError(
            f"The walk came by nothing that is {pick!r} at step {step}: --step {step} alone lists what it came by."
        )
    return facts.describe()
