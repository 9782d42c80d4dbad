"""An argument parser with one-line errors."""

from __future__ import annotations

import argparse

INTERRUPTED = 130  # exit code after Ctrl+C
NOBODY_READS = 141  # exit code when the output's reader has gone, as shells have it


def one_line(sentence: str) -> str:
    """The sentence with what is not printable escaped: names of files may hold anything, even what moves the cursor."""
    return sentence if sentence.isprintable() else repr(sentence)[1:-1]


class Parser(argparse.ArgumentParser):
    """Reports errors in one line; the usage is in --help."""

    def error(self, message: str) -> None:  # type: ignore[override]
        """Exit with code 2."""
        self.exit(2, f"cnnfix: {one_line(message)}\n")
