"""`cnnfix models`: list the models for `--model`."""

from __future__ import annotations

import argparse

from cnnfix_core.cli.parsing import Parser
from cnnfix_core.zoo import list_models


def add(command: Parser) -> None:
    """Declare the command."""


def run(_: argparse.Namespace) -> int:
    """Print one line per model."""
    for model in list_models():
        accuracy = f"{model.accuracy:4.1f} %" if model.accuracy else ""
        print(f"{model.name:20} {accuracy:6}  {model.remedy or 'Ready.'} Weights: {model.source}; {model.licence}")
    return 0
