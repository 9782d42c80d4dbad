"""`cnnfix signals`: which moments of a time series made a network say its class."""

from __future__ import annotations

import argparse
from pathlib import Path

from cnnfix_core.cli.options import add_device, add_focus, add_target, positive, print_warnings, target_of, written_file
from cnnfix_core.cli.parsing import Parser
from cnnfix_core.cli.progress import Waiting
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import write_file


def add(command: Parser) -> None:
    """Declare the command."""
    command.add_argument("file", metavar="FILE", type=Path, help="a table: one series per row or per column")
    command.add_argument("--series", metavar="N", type=positive, default=1, help="which series, from 1 (default: 1)")
    add_target(command)
    add_focus(command)
    add_device(command)
    command.add_argument("--csv", metavar="FILE", type=written_file, help="write each value with its evidence as CSV")
    command.add_argument("--json", metavar="FILE", type=written_file, help="write the result as JSON")


def run(options: argparse.Namespace) -> int:
    """Explain, print where the evidence lies, and write the files."""
    from cnnfix_core.explanations import question
    from cnnfix_core.modalities.timeseries import (
        explain_signal,
        load_signal_model,
        read_series_table,
        signal_csv,
        signal_json,
        signal_words,
    )
    from cnnfix_core.utils import percent

    try:
        table = read_series_table(options.file.read_bytes())
    except OSError as error:
        raise CnnfixError(f"The table in {options.file} cannot be read: {error.strerror}.") from error
    print_warnings(table.notes)
    if options.series > len(table.series):
        raise CnnfixError(f"The table has {len(table.series):,} series: there is no number {options.series:,}.")
    model = load_signal_model().on(options.device)
    with Waiting("Explaining"):
        found = explain_signal(model, table.series[options.series - 1], target_of(options), focus=options.focus)
    print(f"{question(found.target, found.rather_than)} {model.title}, {percent(found.target.probability)}.")
    print(signal_words(found))
    if options.csv:
        write_file(options.csv, signal_csv(found))
    if options.json:
        write_file(options.json, signal_json(found))
    return 0
