"""A batch from the first picture to the table; what was done before is not done again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cnnfix_core.batch.items import Item
from cnnfix_core.batch.row import BatchRow
from cnnfix_core.batch.worker import Work
from cnnfix_core.engine import Preset
from cnnfix_core.utils import Journal, keep_settings
from cnnfix_core.zoo import versions

JOURNAL = "journal.csv"
Engine = Callable[[Work, Iterator[Sequence[Item]]], Iterator[list[BatchRow]]]
Watch = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """All that decides what the rows say. weights: `digest_of` the network's. target: "" for what it says itself."""

    model: str
    weights: str
    target: str
    preset: dict[str, Any]
    device: str
    versions: dict[str, str] = field(default_factory=versions)

    @classmethod
    def of(cls, model: str, weights: str, target: str | None, preset: Preset, device: str) -> BatchSettings:
        """The settings of a preset by its fields."""
        return cls(model, weights, target or "", asdict(preset), device)


def run(
    items: Sequence[Item], work: Work, engine: Engine, folder: Path, settings: BatchSettings, at_once: int, watch: Watch
) -> Journal[BatchRow]:
    """Add the rows that are missing to the folder's journal, `at_once` pictures at a time; returns it.

    watch: called with (pictures done, in all), also when it begins. Raises CnnfixError where the folder has rows of
    other settings, and what the engine raises; what was done is kept.
    """
    keep_settings(folder, settings, JOURNAL)
    journal = Journal(folder / JOURNAL, BatchRow)
    missing = [item for item in items if item.name not in journal.keys]
    done = len(items) - len(missing)
    watch(done, len(items))
    parts = (missing[n : n + at_once] for n in range(0, len(missing), at_once))
    for rows in engine(work, parts):
        # An engine that tries again may bring a row twice.
        new = [row for row in rows if row.key not in journal.keys]
        journal.add(new)
        done += len(new)
        watch(done, len(items))
    return journal
