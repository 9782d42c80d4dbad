"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cnnfix_core.errors import CnnfixError


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A draft to write; it replaces the file at the end, and is removed after an error. Raises CnnfixError."""
    draft = file.with_name(f"{file.name}.tmp")
    try:
        yield draft
        os.replace(draft, file)
    except OSError as error:
        raise cannot_write(file, error) from error
    finally:
        draft.unlink(missing_ok=True)


def cannot_write(file: Path, error: OSError) -> CnnfixError:
    """The error for a file of a run that can be resumed."""
    return CnnfixError(
        f"{file} cannot be written: {error.strerror or error}. The results so far are kept: mend that, for example by "
        "making room on the disk, and run the same command again to resume."
    )
