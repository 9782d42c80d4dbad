"""`cnnfix benchmark`: methods x models on a folder of pictures with a known truth, or on composed scenes."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import (
    INTERRUPTED,
    STEPS,
    add_file,
    complain,
    load,
    methods_named,
    positive,
    whole,
    with_baselines,
)
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Clock
from cnnfix_core.errors import CnnfixError, ModelError, did_you_mean
from cnnfix_core.zoo import DEFAULT, list_models

if TYPE_CHECKING:
    from cnnfix_core.benchmark import BenchmarkRow, Item, Plan, Source, Unfit

# So that the table of composed scenes takes less than two minutes on two processors.
_QUICK_SCENES, _QUICK_SLOW, _QUICK_STEPS = 8, 1, 6
_DECIDE = ("seed", "steps", "slow", "methods", "models", "against", "markdown")
_ALL = {"seed": 0, "methods": "all"}


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="the pictures, or use --scenes")
    command.add_argument(
        "--boxes",
        metavar="FILE",
        type=Path,
        help="a folder of XML files or of PNG masks, or a CSV: image,label,x0,y0,x1,y1 or ImageId,PredictionString",
    )
    command.add_argument(
        "--methods",
        metavar="A,B,...",
        default="all",
        help="names with commas between, or all (the default); centre and random are always measured beside them",
    )
    command.add_argument(
        "--models", metavar="A,B,...", help=f"names with commas between, or files (default: {DEFAULT})"
    )
    command.add_argument("--out", metavar="FOLDER", type=Path, help="results, as they come; the same command goes on")
    command.add_argument("--limit", metavar="N", type=positive, help="only so many, drawn at random")
    command.add_argument("--seed", metavar="N", type=whole, default=0, help="of what is drawn at random (default: 0)")
    command.add_argument(
        "--steps",
        metavar="N",
        type=whole,
        help=f"of insertion and deletion (default: {STEPS}, {_QUICK_STEPS} for scenes; 0: without)",
    )
    command.add_argument(
        "--slow",
        metavar="N",
        type=whole,
        help=f"slow methods on the first N pictures only (default: all; {_QUICK_SLOW} for scenes)",
    )
    command.add_argument("--against", metavar="METHOD", help="add the differences to this method, picture by picture")
    command.add_argument(
        "--scenes",
        metavar="N",
        type=positive,
        nargs="?",
        const=_QUICK_SCENES,
        help=f"composed scenes in place of a folder (default: {_QUICK_SCENES}), on the small networks",
    )
    command.add_argument("--markdown", metavar="FILE", type=Path, help="write the tables as a page")
    add_file(command)


def run(options: argparse.Namespace) -> int:
    """Measure what is missing, print the tables."""
    methods = with_baselines(methods_named(options.methods))
    if options.against not in (None, *methods):
        raise CnnfixError(f"--against names a method that is measured: one of {', '.join(methods)}.")
    if not options.scenes and None in (options.folder, options.boxes, options.out):
        raise CnnfixError("Give a folder of pictures with --boxes and --out, or --scenes.")
    try:
        return _scenes(options, methods) if options.scenes else _folder(options, methods)
    except KeyboardInterrupt:
        kept = f" What is done is in {options.out}; the same command goes on from there." if options.out else ""
        print(f"\nStopped.{kept}", file=sys.stderr)
        return INTERRUPTED


def _folder(options: argparse.Namespace, methods: tuple[str, ...]) -> int:
    from cnnfix_core.benchmark import Plan, tables

    plan = Plan(_items(options), methods, STEPS if options.steps is None else options.steps, options.slow)
    rows, unfit = _measured(_sources(options, [DEFAULT]), plan, options.out)
    text = tables(rows, unfit, options.against)
    print(text, end="")
    for file in [options.out / "tables.md", *([options.markdown] if options.markdown else [])]:
        file.write_text(text, "utf-8")
    return 0


def _scenes(options: argparse.Namespace, methods: tuple[str, ...]) -> int:
    from cnnfix_core.benchmark import Plan
    from cnnfix_core.benchmark.datasets import scenes
    from cnnfix_core.benchmark.page import page

    started = time.monotonic()
    steps = _QUICK_STEPS if options.steps is None else options.steps
    slow = _QUICK_SLOW if options.slow is None else options.slow
    plan = Plan(scenes.items(options.scenes, options.seed), methods, steps, slow, scenes.RULES)
    with contextlib.ExitStack() as stack:
        out = options.out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rows, unfit = _measured(_sources(options, scenes.NETWORKS), plan, out)
    further = [] if options.models else page.further(plan, options.seed, Clock())
    made = page.Made(_command(options), time.monotonic() - started)
    text = page.page(rows, unfit, plan, made, further, options.against)
    print(text, end="")
    if options.markdown:
        options.markdown.write_text(text, "utf-8")
    return 0


def _command(options: argparse.Namespace) -> str:
    """What makes the same page again."""
    words = ["cnnfix benchmark --scenes"]
    words += [str(options.scenes)] if options.scenes != _QUICK_SCENES else []
    given = {name: getattr(options, name) for name in _DECIDE}
    words += [f"--{name} {value}" for name, value in given.items() if value not in (None, _ALL.get(name))]
    return " ".join(words)


def _measured(sources: Sequence[Source], plan: Plan, out: Path) -> tuple[list[BenchmarkRow], list[Unfit]]:
    """All rows, those of an earlier run too, and what does not fit."""
    from cnnfix_core.benchmark import BenchmarkRow, BenchmarkSettings, digest, runner
    from cnnfix_core.utils import Journal, keep_settings
    from cnnfix_core.zoo import digest_of

    # Before anything is measured, so that results of other weights are never mixed; one model at a time is in memory.
    weights = {source.name: digest_of(source.load()) for source in sources}
    keep_settings(
        out, BenchmarkSettings(weights, plan.methods, plan.steps, digest(plan.items), len(plan.items)), "results.csv"
    )
    results = Journal(out / "results.csv", BenchmarkRow)
    clock = Clock(len(results.keys))
    unfit = runner.run(sources, plan, results, clock)
    clock.end()
    return results.rows, unfit


def _items(options: argparse.Namespace) -> tuple[Item, ...]:
    from cnnfix_core.benchmark import matched, read_annotations, some

    annotations = read_annotations(options.boxes)
    found = matched(options.folder, annotations.found)
    complain(annotations.complaints)
    complain([f"{name} has no annotation." for name in found.bare])
    complain([f"There is no picture {name}, which is annotated." for name in found.missing])
    return some(found.items, options.limit, options.seed)


def _sources(options: argparse.Namespace, default: Sequence[str]) -> list[Source]:
    from cnnfix_core.benchmark import Source

    names = [name.strip() for name in options.models.split(",") if name.strip()] if options.models else default
    known = {info.name: info.task for info in list_models()}
    sources = []
    for name in dict.fromkeys(names):
        if name not in known and not Path(name).is_file():
            hint = did_you_mean(name, known, "`cnnfix models` lists all; a file must exist.")
            raise ModelError(f"There is no model {name!r}. {hint}")
        if known.get(name, "classification") != "classification":
            raise ModelError(f"{name} says what is where: only networks that name the whole picture can be measured.")
        sources.append(Source(name, partial(load, name, options)))
    return sources
