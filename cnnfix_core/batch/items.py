"""The pictures of a batch, from a folder or a list."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import picture_files


@dataclass(frozen=True, slots=True)
class Item:
    """One picture. name: identifies its row; the path relative to the folder or as listed, on one line."""

    name: str
    file: Path


def items(source: Path) -> list[Item]:
    """The pictures in a folder and its subfolders, sorted, or those listed in a text file, without duplicates.

    A list has one path per line, relative to the list's folder. Empty lines and lines that start with # are skipped.

    Raises:
        CnnfixError: There is no picture, or the list cannot be read.
    """
    if source.is_dir():
        found = [Item(_one_line(file.relative_to(source).as_posix()), file) for file in picture_files(source)]
        if not found:
            raise CnnfixError(f"There is no picture in {source}: give a folder with pictures, or a list of them.")
        return found
    try:
        text = source.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = "cannot be read" if isinstance(error, OSError) else "is not a text file"
        raise CnnfixError(f"{source} {problem}: give a folder of pictures, or a text file that lists them.") from error
    names = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if not names:
        raise CnnfixError(f"{source} lists no pictures: write one path per line.")
    return [Item(_one_line(name), source.parent / name) for name in names]


def _one_line(name: str) -> str:
    """The name as one line of valid UTF-8, because file names may contain any bytes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace").replace("\n", " ")
