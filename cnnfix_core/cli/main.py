"""The command line: `cnnfix COMMAND`. To add a command, add a module to this folder and a line here."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import version
from itertools import pairwise

from cnnfix_core.cli.parsing import INTERRUPTED, NOBODY_READS, Parser, one_line
from cnnfix_core.errors import CnnfixError
from cnnfix_core.utils import let_idle_threads_sleep, no_ctrl_c_lost

# The modules of this folder with their help texts. Only the module of the command that runs is imported.
_COMMANDS = {
    "explain": "explain one picture",
    "compare": "compare several methods on one picture, with numbers",
    "report": "write a report as HTML, PDF, or a zip archive with all data",
    "sketch": "explain what a network sees in a drawing",
    "signals": "explain a time series",
    "clip": "explain a video clip",
    "proposals": "list boxes that may hold objects",
    "disturb": "add adversarial noise to pictures, and count what changes",
    "cutout": "cut out the object that a map points at",
    "caption": "caption a picture, and explain each word",
    "backtrack": "list the layers from the score back to the picture",
    "batch": "explain many pictures: a table with one row per picture",
    "gaze": "measure maps against where people looked or clicked, from a table of points",
    "benchmark": "measure methods on pictures with ground truth",
    "models": "list the models and where they come from",
    "coverage": "check that walks pass every operation of a network",
    "lesson": "check a lesson file, and print its worksheet",
    "app": "open the explorer in the browser",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. Bad arguments and pictures give 2 and one line on stderr."""
    let_idle_threads_sleep()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may know less than Unicode, and names more
            stream.reconfigure(errors="backslashreplace")
    try:
        with no_ctrl_c_lost(), _output_written():
            options = _options(sys.argv[1:] if arguments is None else arguments)
            return int(options.run(options))
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    except CnnfixError as error:
        print(f"cnnfix: {one_line(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # as of `| head`: who reads the output has enough
        _drop_output()
        return NOBODY_READS
    except OSError as error:
        if not error.filename:
            _drop_output()
        what = f"cannot write {error.filename}" if error.filename else "cannot write the output"
        print(f"cnnfix: {what}: {error.strerror or error}", file=sys.stderr)
        return 2


@contextmanager
def _output_written() -> Iterator[None]:
    """Write at the end of the block what was printed: when Python ends, a failure would be a traceback."""
    try:
        yield
    finally:
        if sys.stdout:  # None where it was closed
            sys.stdout.flush()


def _drop_output() -> None:
    """Send to nowhere what Python would still write when it ends, and would fail with."""
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = Parser(prog="cnnfix", description="Find the pixels behind a convolutional network's prediction.")
    parser.add_argument("--version", action="version", version=f"cnnfix {version('cnnfix')}")
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--") else [word])]
    for before, word in pairwise(("cnnfix", *words)):
        if not word:  # as of a shell's variable that is not set; as a path it would be the current folder
            parser.error(f"the argument after {before} is empty: write it, or leave it out")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    named = next((word for word in arguments if not word.startswith("-")), None)
    for name, what in _COMMANDS.items():
        command = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        if name == named:
            module = import_module(f"cnnfix_core.cli.{name}")
            module.add(command)
            command.set_defaults(run=module.run)
    return parser.parse_args(arguments)
