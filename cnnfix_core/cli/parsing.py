"""An argument parser with one-line errors."""

from __future__ import annotations

import argparse

INTERRUPTED = 130  # exit code after Ctrl+C


class Parser(argparse.ArgumentParser):
    """Reports errors in one line; the usage is in --help."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Exit with code 2."""
        self.exit(2, f"cnnfix: {message}\n")
