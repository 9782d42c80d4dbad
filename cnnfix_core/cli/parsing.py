"""Arguments from a shell: parsers that say what is wrong in one line."""

from __future__ import annotations

import argparse


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; the usage is in --help."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """End with 2."""
        self.exit(2, f"cnnfix: {message}\n")
