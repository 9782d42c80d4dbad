"""`cnnfix models`: what `--model` takes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cnnfix_core.zoo import list_models

if TYPE_CHECKING:
    from cnnfix_core.cli.options import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    command = commands.add_parser("models", help="list the models and where they come from")
    command.set_defaults(run=run)


def run(_: argparse.Namespace) -> int:
    """Print a line a model."""
    for model in list_models():
        accuracy = f"{model.accuracy:4.1f} %" if model.accuracy else ""
        print(f"{model.name:20} {accuracy:6}  {model.remedy or 'Ready.'} Weights: {model.source}; {model.licence}")
    return 0
