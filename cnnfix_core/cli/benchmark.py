"""`cnnfix benchmark`: measure methods and models on pictures with ground truth, or on composed scenes."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import (
    STEPS,
    add_file,
    add_measures,
    add_methods,
    also,
    load,
    model_options,
    non_negative,
    parse_methods,
    positive,
    print_left_out,
    print_warnings,
    with_baselines,
    written_file,
)
from cnnfix_core.cli.parsing import INTERRUPTED, Parser
from cnnfix_core.cli.progress import ProgressLine
from cnnfix_core.errors import CnnfixError, ModelError, did_you_mean
from cnnfix_core.utils import keep_freed_memory, write_file
from cnnfix_core.zoo import DEFAULT, list_models

if TYPE_CHECKING:
    from cnnfix_core.benchmark import BenchmarkRow, Item, Plan, Source, UnusableMethod

# Chosen so that the benchmark on composed scenes takes less than two minutes on two cores.
_QUICK_SCENES, _QUICK_PAIRS, _QUICK_SLOW, _QUICK_STEPS = 8, 2, 1, 6
_DECIDE = ("pairs", "seed", "steps", "slow", "methods", "models", "against", "markdown")
_ALL = {"pairs": _QUICK_PAIRS, "seed": 0, "methods": "all"}


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, help="folder of pictures; or use --scenes")
    command.add_argument(
        "--boxes",
        metavar="FILE",
        type=Path,
        help="ground truth: a folder of XML files, of LabelMe's JSON, of YOLO's text files or of PNG masks, COCO's "
        "JSON, or a CSV file with the columns image,label,x0,y0,x1,y1 or ImageId,PredictionString",
    )
    command.add_argument(
        "--without-labels",
        action="store_true",
        help="keep the boxes, and explain the predicted class instead of the labelled one: for pictures of classes "
        "that the network never learnt",
    )
    add_methods(command, "all", "; the baselines centre and random are always included")
    command.add_argument("--models", metavar="A,B,...", help=f"comma-separated names or files (default: {DEFAULT})")
    command.add_argument(
        "--out", metavar="FOLDER", type=Path, help="folder for the results; the same command resumes an interrupted run"
    )
    command.add_argument("--limit", metavar="N", type=positive, help="use only N pictures, drawn at random")
    command.add_argument("--seed", metavar="N", type=non_negative, default=0, help="random seed (default: 0)")
    command.add_argument(
        "--steps",
        metavar="N",
        type=non_negative,
        help=f"steps of insertion and deletion, 0 for none (default: {STEPS}, {_QUICK_STEPS} for scenes)",
    )
    add_measures(command)
    command.add_argument(
        "--proposals",
        action="store_true",
        help="also measure how many of the true boxes 1 to 50 object proposals fit; takes ten walks a picture",
    )
    command.add_argument(
        "--slow",
        metavar="N",
        type=non_negative,
        help=f"run slow methods only on the first N pictures (default: all, {_QUICK_SLOW} for scenes)",
    )
    command.add_argument(
        "--against", metavar="METHOD", help="add a table of the differences from this method, paired by picture"
    )
    command.add_argument(
        "--scenes",
        metavar="N",
        type=positive,
        nargs="?",
        const=_QUICK_SCENES,
        help=f"use N composed scenes and the small networks instead of a folder (default: {_QUICK_SCENES})",
    )
    command.add_argument(
        "--pairs",
        metavar="N",
        type=non_negative,
        default=_QUICK_PAIRS,
        help="with --scenes: N more scenes have two objects, and each method is asked about both, "
        "alone and rather than the other (default: %(default)s)",
    )
    command.add_argument(
        "--unseen",
        action="store_true",
        help="with --scenes: objects of shapes that no network has learnt; explains the class that each predicts",
    )
    command.add_argument("--markdown", metavar="FILE", type=written_file, help="write the tables as a Markdown page")
    add_file(command)


def run(options: argparse.Namespace) -> int:
    """Measure what is missing and print the tables."""
    keep_freed_memory()
    methods = with_baselines(parse_methods(options.methods))
    if options.against not in (None, *methods):
        raise CnnfixError(f"--against must be one of the measured methods: {', '.join(methods)}.")
    if options.unseen and not options.scenes:
        raise CnnfixError("--unseen needs --scenes; for a folder of pictures use --without-labels.")
    if options.scenes and options.without_labels:
        raise CnnfixError("--without-labels is for a folder of pictures; with --scenes use --unseen.")
    if not options.scenes and None in (options.folder, options.boxes, options.out):
        raise CnnfixError("Give a folder of pictures with --boxes and --out, or --scenes.")
    try:
        if options.unseen:
            return _unseen(options, methods)
        return _scenes(options, methods) if options.scenes else _folder(options, methods)
    except KeyboardInterrupt:
        kept = f" The results so far are in {options.out}; the same command resumes." if options.out else ""
        print(f"\nStopped.{kept}", file=sys.stderr)
        return INTERRUPTED


def _folder(options: argparse.Namespace, methods: tuple[str, ...]) -> int:
    from cnnfix_core.benchmark import Plan, tables

    steps = STEPS if options.steps is None else options.steps
    plan = Plan(_items(options), methods, steps, options.slow, also=also(options))
    sources = _sources(options, [DEFAULT])
    rows, unfit = _measured(sources, plan, options.out, options.device)
    text = tables(rows, unfit, options.against)
    if options.proposals:
        text += f"\n{_proposals(sources, plan.items, options.out)}"
    print(text, end="")
    for file in [options.out / "tables.md", *([options.markdown] if options.markdown else [])]:
        write_file(file, text)
    return 0


def _scenes(options: argparse.Namespace, methods: tuple[str, ...]) -> int:
    from cnnfix_core.benchmark import Plan
    from cnnfix_core.benchmark.datasets import scenes
    from cnnfix_core.benchmark.page import page

    started = time.monotonic()
    plan = _plan_of_scenes(scenes.items(options.scenes, options.seed), methods, options)
    further, asked = [], []
    with _results(options) as out:
        sources = _sources(options, scenes.NETWORKS)
        rows, unfit = _measured(sources, plan, out, options.device)
        if options.pairs:
            asked += [
                Plan(scenes.pairs(options.pairs, options.seed, one), methods, 0, plan.slow) for one in (False, True)
            ]
            found = [_measured(sources, one, out / f"pairs-{n}", options.device)[0] for n, one in enumerate(asked, 1)]
            further.append(page.pairs(*found))
        if options.proposals:
            pictures = [item for one in (plan, *asked[:1]) for item in one.items]
            further.append(_proposals(sources, pictures, out))
    if not options.models:
        further += page.further(plan, options.seed, ProgressLine())
    made = page.Made(_command(options), time.monotonic() - started)
    return _written(page.page(rows, unfit, plan, made, further, options.against), options)


def _unseen(options: argparse.Namespace, methods: tuple[str, ...]) -> int:
    from cnnfix_core.benchmark.datasets import scenes
    from cnnfix_core.benchmark.page import page

    started = time.monotonic()
    plan = _plan_of_scenes(scenes.unseen(options.scenes, options.seed), methods, options)
    with _results(options) as out:
        rows, unfit = _measured(_sources(options, scenes.NETWORKS), plan, out, options.device)
    made = page.Made(_command(options), time.monotonic() - started)
    return _written(page.unseen(rows, unfit, plan, made, options.against), options)


def _plan_of_scenes(items: tuple[Item, ...], methods: tuple[str, ...], options: argparse.Namespace) -> Plan:
    from cnnfix_core.benchmark import Plan
    from cnnfix_core.benchmark.datasets import scenes

    steps = _QUICK_STEPS if options.steps is None else options.steps
    slow = _QUICK_SLOW if options.slow is None else options.slow
    return Plan(items, methods, steps, slow, scenes.RULES, also=also(options))


@contextlib.contextmanager
def _results(options: argparse.Namespace) -> Iterator[Path]:
    """The folder of the results, for as long as it is needed if none was given."""
    if options.out:
        yield options.out
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)


def _written(text: str, options: argparse.Namespace) -> int:
    print(text, end="")
    if options.markdown:
        write_file(options.markdown, text)
    return 0


def _command(options: argparse.Namespace) -> str:
    """The command that makes the same page."""
    words = ["cnnfix benchmark --scenes"]
    words += [str(options.scenes)] if options.scenes != _QUICK_SCENES else []
    given = {name: getattr(options, name) for name in _DECIDE}
    words += [f"--{name} {value}" for name, value in given.items() if value not in (None, _ALL.get(name))]
    words += [f"--{name.replace('_', '-')}" for name in (*also(options), *_switched_on(options))]
    return " ".join(words)


def _switched_on(options: argparse.Namespace) -> list[str]:
    return [name for name in ("proposals", "unseen") if getattr(options, name)]


def _proposals(sources: Sequence[Source], items: Sequence[Item], out: Path) -> str:
    """The section on object proposals; what an earlier run measured is kept."""
    from cnnfix_core.benchmark import proposing
    from cnnfix_core.utils import Journal, only_run_in

    with only_run_in(out):
        results = Journal(out / "proposals.csv", proposing.ProposalRow)
        clock = ProgressLine()
        proposing.propose(sources, items, results, clock)
        clock.end()
    return proposing.section(proposing.in_order(results, sources, items))


def _measured(
    sources: Sequence[Source], plan: Plan, out: Path, device: str
) -> tuple[list[BenchmarkRow], list[UnusableMethod]]:
    """All rows, including those of an earlier run, and the methods that cannot be used."""
    from cnnfix_core.benchmark import BenchmarkRow, BenchmarkSettings, digest, runner
    from cnnfix_core.utils import Journal, keep_settings, only_run_in

    for source in sources:  # before anything is measured, so that results of different weights are never mixed
        source.load()
    settings = BenchmarkSettings(
        {source.name: source.load.weights for source in sources},
        plan.methods,
        plan.steps,
        digest(plan.items),
        len(plan.items),
        also=plan.also,
        readings={source.name: source.load.reading for source in sources},
        device=device,
    )
    with only_run_in(out):
        keep_settings(out, settings, "results.csv")
        results = Journal(out / "results.csv", BenchmarkRow)
        clock = ProgressLine()
        unfit = runner.run(sources, plan, results, clock)
        clock.end()
    return runner.in_order(results, sources, plan), unfit


def _items(options: argparse.Namespace) -> tuple[Item, ...]:
    from cnnfix_core.benchmark import matched, read_annotations, sample_items, without_labels

    annotations = read_annotations(options.boxes)
    found = matched(options.folder, annotations.found)
    print_left_out(options.folder, options.boxes)
    print_warnings(annotations.complaints)
    print_warnings([f"{name} has no annotation." for name in found.bare])
    print_warnings([f"The picture {name} of the annotations is missing." for name in found.missing])
    items = without_labels(found.items) if options.without_labels else found.items
    return sample_items(items, options.limit, options.seed)


def _sources(options: argparse.Namespace, default: Sequence[str]) -> list[Source]:
    from cnnfix_core.benchmark import Source

    names = [name.strip() for name in options.models.split(",") if name.strip()] if options.models else default
    known = {info.name: info.task for info in list_models()}
    sources = []
    for name in dict.fromkeys(names):
        if name not in known and not Path(name).is_file():
            hint = did_you_mean(name, known, "`cnnfix models` lists all models; there is no such file either.")
            raise ModelError(f"There is no model {name!r}. {hint}")
        if known.get(name, "classification") != "classification":
            raise ModelError(
                f"{name} is not a classifier: only networks that classify the whole picture can be measured."
            )
        sources.append(Source(name, partial(load, name, model_options(options))))
    return sources
