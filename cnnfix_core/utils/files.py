"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnfix_core.errors import CnnfixError

_NO_TEXT = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # surrogates; the others stand for bytes of names


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A draft to write; it replaces the file at the end, and is removed after an error. Raises CnnfixError."""
    try:
        with _draft_of(file) as draft:
            yield draft
    except OSError as error:
        raise cannot_write(file, error) from error


@contextmanager
def _draft_of(file: Path) -> Iterator[Path]:
    draft = file.with_name(f".cnnfix-{os.getpid()}.tmp")  # short, as the file's name may be as long as names can be
    try:
        yield draft
        with draft.open("rb+") as written:
            os.fsync(written.fileno())  # or a power cut could leave an empty file under the name
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def remove_drafts_left(folder: Path, below: bool = False) -> None:
    """Remove what processes that were killed left in a folder, and in those below it; not on Windows."""
    for draft in (folder.rglob if below else folder.glob)(".cnnfix-*.tmp"):
        pid = draft.name[len(".cnnfix-") : -len(".tmp")]
        if pid.isdecimal() and not _runs(int(pid)):
            draft.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


def cannot_write(file: Path, error: OSError) -> CnnfixError:
    """The error for a file of a run that can be resumed."""
    return CnnfixError(
        f"{file} cannot be written: {error.strerror or error}. The results so far are kept: mend that, for example by "
        "making room on the disk, and run the same command again to resume."
    )


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file whole; if that fails, what was there stays. Raises OSError, which names the file.

    Texts are written as UTF-8 and made `printable`.
    """
    data = printable(content).encode() if isinstance(content, str) else content
    try:
        if file.is_symlink() or (file.exists() and not file.is_file()):  # /dev/stdout and its like cannot be replaced
            file.write_bytes(data)
            return
        with _draft_of(file) as draft:
            draft.write_bytes(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(file)) from error


def printable(text: str) -> str:
    r"""The text with bytes that are not UTF-8, as names of files may have them, as `\xe9`."""
    valid = _NO_TEXT.sub(lambda found: repr(found[0])[1:-1], text)
    return valid.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
