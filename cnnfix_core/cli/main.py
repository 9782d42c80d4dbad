"""The command line: `cnnfix COMMAND`. A new command is a module in `commands/` and one line here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version

from cnnfix_core.cli import app, backtrack, batch, benchmark, caption, compare, coverage, explain, models, report
from cnnfix_core.cli.options import Parser
from cnnfix_core.errors import CnnfixError

_COMMANDS = (explain, compare, report, caption, backtrack, batch, benchmark, models, coverage, app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. Bad arguments and pictures end with 2 and one line on stderr."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except CnnfixError as error:
        print(f"cnnfix: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        what = f"cannot write {error.filename}" if error.filename else "cannot write what was asked for"
        print(f"cnnfix: {what}: {error.strerror}", file=sys.stderr)
        return 2


def _parser() -> Parser:
    parser = Parser(prog="cnnfix", description="Which pixels made a convolutional network say what it said?")
    parser.add_argument("--version", action="version", version=f"cnnfix {version('cnnfix')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for command in _COMMANDS:
        command.add(commands)
    return parser
