"""Run a batch; rows from an earlier run are not computed again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cnnfix_core.batch.batching import open_or_error
from cnnfix_core.batch.items import Item
from cnnfix_core.batch.row import BatchRow
from cnnfix_core.batch.worker import Work, figure_name
from cnnfix_core.engine import Preset
from cnnfix_core.errors import CnnfixError
from cnnfix_core.images import PictureError, read_file
from cnnfix_core.utils import Journal, keep_settings, only_run_in, remove_drafts_left
from cnnfix_core.zoo import versions

JOURNAL = "journal.csv"
Engine = Callable[[Work, Iterator[Sequence[Item]]], Iterator[list[BatchRow]]]
Watch = Callable[[int, int], None]
Checking = AbstractContextManager[Callable[[float], object]]
_SILENT: Checking = nullcontext(lambda share: None)


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Everything that determines the rows.

    Attributes:
        model: Name of the network.
        weights: Its `digest_of`.
        target: The class to explain; "" for the predicted one.
        preset: The fields of the preset.
        device: The device of the network.
        reading: The model's `reading_of`.
        versions: Versions of the packages.
    """

    model: str
    weights: str
    target: str
    preset: dict[str, Any]
    device: str
    reading: str = ""
    versions: dict[str, str] = field(default_factory=versions)

    @classmethod
    def of(  # what the command knows
        cls, model: str, weights: str, target: str | None, preset: Preset, device: str, reading: str = ""
    ) -> BatchSettings:
        """The settings for a preset."""
        return cls(model, weights, target or "", asdict(preset), device, reading)


def run(  # noqa: PLR0913  # what the command knows
    items: Sequence[Item],
    work: Work,
    engine: Engine,
    folder: Path,
    settings: BatchSettings,
    at_once: int,
    watch: Watch,
    checking: Checking = _SILENT,
) -> Journal[BatchRow]:
    """Add the missing and outdated rows to the folder's journal.

    Args:
        items: The pictures.
        work: How to explain them.
        engine: Runs the workers.
        folder: For the journal and the settings.
        settings: Must equal those of the rows in the folder.
        at_once: How many pictures a worker takes at a time.
        watch: Called with (pictures done, pictures in total), also at the start.
        checking: Entered while the pictures of an earlier run are read, to see what has changed since; called with the
            share, 0 to 1.

    Returns:
        The journal.

    Raises:
        CnnfixError: The folder has rows with other settings, another run writes to it, or the engine fails; finished
            rows are kept.
    """
    with only_run_in(folder):
        keep_settings(folder, settings, JOURNAL)
        journal = Journal(folder / JOURNAL, BatchRow)
        if work.figures is not None:
            remove_drafts_left(work.figures, below=True)
        with checking as checked:
            todo = _todo(items, journal, work, checked)
        done = len(items) - len(todo)
        watch(done, len(items))
        wanted = list(todo.values())
        parts = (wanted[n : n + at_once] for n in range(0, len(wanted), at_once))
        for rows in engine(work, parts):
            # An engine that retries may deliver a row twice.
            new = [row for row in rows if todo.pop(row.picture, None)]
            journal.add(new)
            done += len(new)
            watch(done, len(items))
    return journal


def _todo(
    items: Sequence[Item], journal: Journal[BatchRow], work: Work, checked: Callable[[float], object]
) -> dict[str, Item]:
    """The pictures that need a row, by name."""
    todo = {item.name: item for item in items}
    for number, row in enumerate(journal):
        if row.picture in todo and not _outdated(row, todo[row.picture].file, work):
            del todo[row.picture]
        checked((number + 1) / len(journal.keys))
    return todo


def _outdated(row: BatchRow, file: Path, work: Work) -> bool:
    """Whether the picture has changed since, can be read by now, or lacks its figure. What is gone keeps its row."""
    if row.error:
        opened = open_or_error(file)
        return not isinstance(opened, CnnfixError) or str(opened) != row.error
    try:
        digest = hashlib.sha256(read_file(file)).hexdigest()
    except PictureError:
        return False
    lacking = work.figures is not None and not (work.figures / figure_name(row.picture, digest)).is_file()
    return digest != row.sha256 or lacking
