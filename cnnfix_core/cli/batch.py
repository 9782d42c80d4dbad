"""`cnnfix batch`: explain many pictures, one row each."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cnnfix_core.cli.options import (
    add_model,
    add_preset,
    add_unit,
    load,
    model_options,
    positive,
    preset_of,
    print_left_out,
    print_warnings,
    unit_of,
)
from cnnfix_core.cli.parsing import INTERRUPTED, Parser
from cnnfix_core.cli.progress import ProgressLine, Waiting
from cnnfix_core.errors import need
from cnnfix_core.utils import keep_freed_memory

if TYPE_CHECKING:
    from cnnfix_core.batch import BatchRow, Engine
    from cnnfix_core.utils import Journal

_AT_ONCE = 16
_SHOWN = 10  # pictures that excite a unit most


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument(
        "source", metavar="FOLDER|LIST", type=Path, help="a folder of pictures, or a text file with one path per line"
    )
    command.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        required=True,
        help="folder for the results; the same command resumes an interrupted run",
    )
    add_model(command)
    add_preset(command)
    command.add_argument(
        "--target", metavar="CLASS", help="class number or name, for all pictures (default: the predicted class)"
    )
    add_unit(command)
    command.add_argument(
        "--format", choices=("parquet", "csv"), default="parquet", help="format of the table (default: parquet)"
    )
    command.add_argument(
        "--keep-formulas",
        action="store_true",
        help="in CSV, leave texts that begin with = + - @ as they are (default: put ' in front, so that no spreadsheet "
        "computes them)",
    )
    command.add_argument("--figures", action="store_true", help="also draw a figure for each picture")
    command.add_argument(
        "--workers",
        metavar="N",
        type=positive,
        default=os.cpu_count() or 1,
        help="number of processes (default: one per core)",
    )
    command.add_argument(
        "--batch",
        metavar="N",
        type=positive,
        default=_AT_ONCE,
        help=f"pictures a worker takes at a time; does not change the results (default: {_AT_ONCE})",
    )
    command.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="processes on this machine, or Ray on one or more machines (default: local)",
    )


def run(options: argparse.Namespace) -> int:
    """Explain the remaining pictures and write the table."""
    need("pyarrow")
    keep_freed_memory()
    from cnnfix_core.batch import BatchExplainer, Work, runner
    from cnnfix_core.batch.items import items
    from cnnfix_core.batch.table import table, without_formulas, write
    from cnnfix_core.zoo import SameModel

    figures = (options.out / "figures").absolute()
    found = items(options.source, besides=figures)
    preset = preset_of(options)
    target = options.target if options.unit is None else unit_of(options)
    asked = None if target is None else str(target)
    loading = SameModel(partial(load, options.model, model_options(options)))  # each worker has its own
    BatchExplainer(loading(), preset, target)  # fails early, before any worker starts
    settings = runner.BatchSettings.of(options.model, loading.weights, asked, preset, options.device, loading.reading)
    work = Work(loading, preset, target, figures if options.figures else None)
    clock, checking = ProgressLine(), Waiting("Checking the pictures of the earlier run")
    try:
        journal = runner.run(found, work, _engine(options), options.out, settings, options.batch, clock, checking)
    except KeyboardInterrupt:
        print(f"\nStopped. The results so far are in {options.out}; the same command resumes.", file=sys.stderr)
        return INTERRUPTED
    finally:
        clock.end()
    names = [item.name for item in found]
    made = table(journal, names)
    if options.format == "csv" and not options.keep_formulas:
        made, count = without_formulas(made)
        if count:
            print(f"{count:,} cells could be formulas: they have ' in front in the CSV file; --keep-formulas omits it.")
    file = write(made, options.out, options.format)
    failed = _failed(journal, set(names))
    print_left_out(options.source)
    print_warnings(failed)
    print(f"{made.num_rows - len(failed):,} of {len(names):,} pictures explained. Table: {file}")
    if options.unit:
        print(_most_excited(journal, set(names)))
    return 0


def _most_excited(journal: Journal[BatchRow], names: set[str]) -> str:
    """The pictures that excite a unit most, one line each."""
    rows = sorted((row for row in journal if row.picture in names and not row.error), key=lambda row: -row.score)
    return "\n".join(f"{row.score:10.4g}  {row.asked}  {row.picture}" for row in rows[:_SHOWN])


def _failed(journal: Journal[BatchRow], names: set[str]) -> list[str]:
    return [f"{row.picture}: {row.error}" for row in journal if row.error and row.picture in names]


def _engine(options: argparse.Namespace) -> Engine:
    if options.engine == "ray":
        need("ray")
        from cnnfix_core.batch import ray_cluster

        return partial(ray_cluster.rows, workers=options.workers, gpu=options.device != "cpu")
    from cnnfix_core.batch import processes

    return partial(processes.rows, workers=options.workers)
