"""The pictures of a batch: those of a folder, or of a list."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import picture_files


@dataclass(frozen=True, slots=True)
class Item:
    """One picture. name: what its row is called, a path below the folder or as the list has it, of one line."""

    name: str
    file: Path


def items(source: Path) -> list[Item]:
    """The pictures below a folder, by path, or those that a text file lists, one path a line, each once.

    Paths of a list are relative to its folder; empty lines and lines from # on are skipped.
    Raises CnnfixError where there is no picture.
    """
    if source.is_dir():
        found = [Item(_one_line(file.relative_to(source).as_posix()), file) for file in picture_files(source)]
        if not found:
            raise CnnfixError(f"There is no picture in {source}: give a folder with pictures, or a list of them.")
        return found
    try:
        text = source.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        wrong = "cannot be read" if isinstance(error, OSError) else "is not a text"
        raise CnnfixError(f"{source} {wrong}: give a folder of pictures, or a text file that lists them.") from error
    names = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if not names:
        raise CnnfixError(f"{source} lists no picture: write one path a line.")
    return [Item(_one_line(name), source.parent / name) for name in names]


def _one_line(name: str) -> str:
    """The name as a table can hold it: files may be called anything, in any encoding."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").replace("\n", " ")
