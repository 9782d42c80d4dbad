"""The pictures of a batch, from a folder or a list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import picture_files


@dataclass(frozen=True, slots=True)
class Item:
    """One picture. name: identifies its row; the path relative to the folder or as listed, unchanged."""

    name: str
    file: Path


def items(source: Path, besides: Path | None = None) -> list[Item]:
    """The pictures in a folder and its subfolders, sorted, or those listed in a text file, without duplicates.

    besides: a folder whose pictures do not count, such as figures of an earlier run that lie in `source`.

    A list has one path per line, relative to the list's folder. Empty lines and lines that start with # are skipped.
    Names are kept as they are, spaces and bytes that are no text included.

    Raises:
        CnnfixError: There is no picture, or the list cannot be read.
    """
    if source.is_dir():
        files = picture_files(source)
        if besides is not None:
            files = [file for file in files if not file.absolute().is_relative_to(besides.absolute())]
        found = [Item(file.relative_to(source).as_posix(), file) for file in files]
        if not found:
            raise CnnfixError(f"There is no picture in {source}: give a folder with pictures, or a list of them.")
        return found
    names = dict.fromkeys(line for line in _lines(source) if line.strip() and not line.startswith("#"))
    if not names:
        raise CnnfixError(f"{source} lists no pictures: write one path per line.")
    return [Item(name, source.parent / name) for name in names]


def _lines(file: Path) -> list[str]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise _unusable(file, "cannot be read") from error
    if b"\0" in content:
        raise _unusable(file, "is not a text file")
    # No other line ends: a name may contain all that Python's splitlines takes for one.
    return content.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n").split("\n")


def _unusable(file: Path, problem: str) -> CnnfixError:
    return CnnfixError(f"{file} {problem}: give a folder of pictures, or a text file that lists them.")
