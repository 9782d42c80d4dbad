"""Pictures in a folder or an archive, told from other files by their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePath

# Those of JPEG first. Files are decoded by their content; without a known extension they are not opened at all.
ENDINGS = (
    *("jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp", "mpo"),
    *("png", "apng", "webp", "avif", "tif", "tiff", "bmp", "dib", "gif"),
)
_KINDS = {f".{ending}" for ending in ENDINGS}
_HIDDEN = re.compile(r"\.[^.]|\.\.?$|__MACOSX$")
_SHOWN = 3


def is_picture_name(path: PurePath) -> bool:
    """Whether a path, relative to its folder, is one of a picture: not hidden, as ._x.jpg is, and with an extension."""
    return path.suffix.rstrip().lower() in _KINDS and not any(map(_HIDDEN.match, path.parts))


def picture_files(folder: Path) -> list[Path]:
    """Every file in the folder and its subfolders with the name of a picture, sorted."""
    return sorted(file for file in _files(folder) if is_picture_name(file.relative_to(folder)))


def named_pictures(folder: Path) -> dict[str, Path]:
    """The pictures in the folder and its subfolders by their path in it, `without_ending`, sorted.

    None is lost: of several with the same name, as a.jpg and a.png, the first has it, and others have their whole path.
    """
    found: dict[str, Path] = {}
    for file in picture_files(folder):
        path = file.relative_to(folder).as_posix()
        name = without_ending(path)
        found[path if name in found else name] = file
    return found


def by_unique_name(paths: Collection[str]) -> dict[str, str]:
    """The path for each path itself, and for each file name that is unique."""
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(path.rpartition("/")[2], []).append(path)
    return {**{name: those[0] for name, those in names.items() if len(those) == 1}, **{path: path for path in paths}}


def without_ending(name: str) -> str:
    """Normalise a picture's name for comparison: forward slashes, no picture file extension, one line."""
    name = " ".join(name.split()).replace("\\", "/").removeprefix("./")
    head, dot, ending = name.rpartition(".")
    return head if dot and head and ending.lower() in (*ENDINGS, "xml") else name


def left_out_of(folder: Path, used: Path | None = None) -> str:
    """A sentence on the other files in the folder and its subfolders; "" if there are none.

    Args:
        folder: The folder.
        used: A file that is read for something else, or a folder of such files.
    """
    others = (file for file in _files(folder) if used is None or not file.absolute().is_relative_to(used.absolute()))
    names = (file.relative_to(folder) for file in others)
    return left_out(sorted(name.as_posix() for name in names if not is_picture_name(name)))


def left_out(names: Sequence[str]) -> str:
    """A sentence on files that are no pictures; "" if there are none."""
    if not names:
        return ""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    count = "1 file" if len(names) == 1 else f"{len(names):,} files"
    return f"Left out {count} without the name of a picture: {', '.join(names[:_SHOWN])}{more}."


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())
